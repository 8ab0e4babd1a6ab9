"""Search(image) as a page of Python would have it: the three stages in the handler of a gRPC server, the same messages.

    python -m benchmarks.answering.plain --model FILE --gallery DIR

No validation, no limits, no filters, no log, no metrics: what gRPC for Python costs beside the stages.
"""

import argparse
from pathlib import Path

import grpc
import numpy as np

from benchmarks.answering.bare import TOP_K, Bare
from benchmarks.answering.listening import answer_searches
from smserve.v1 import retrieval_pb2


class Plain:
    """Search, and nothing else."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare

    def search(
        self,
        request: retrieval_pb2.SearchRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the signature of a servicer
    ) -> retrieval_pb2.SearchResponse:
        """Find the nearest."""
        pixels = self._bare.embedder.prepare(request.image)
        (hits,) = self._bare.nearest(self._bare.embedder.embed(pixels[np.newaxis]), request.top_k or TOP_K)
        response = retrieval_pb2.SearchResponse()
        for hit in hits:
            response.hits.add(item_id=hit.item_id, score=hit.score, label=hit.label)
        return response


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--gallery", type=Path, required=True)
    options = parser.parse_args()
    answer_searches(Plain(Bare(options.model, options.gallery, [], "cpu", "float32")).search)


if __name__ == "__main__":
    _main()

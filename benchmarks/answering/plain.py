"""Search(image) as a page of Python would have it: the three stages in the handler of a gRPC server, the same messages.

    python -m benchmarks.answering.plain --model FILE --gallery DIR

No validation, no limits, no filters, no log, no metrics: what gRPC for Python costs beside the stages.
"""

import argparse
import json
import os
import sys
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np

from benchmarks.answering.bare import TOP_K, Bare
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
    plain = Plain(Bare(options.model, options.gallery, [], "cpu", "float32"))
    threads = 1 + (os.cpu_count() or 1)
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=[("grpc.max_receive_message_length", 2**24)])
    search = grpc.unary_unary_rpc_method_handler(
        plain.search,
        request_deserializer=retrieval_pb2.SearchRequest.FromString,
        response_serializer=retrieval_pb2.SearchResponse.SerializeToString,
    )
    server.add_registered_method_handlers("smserve.v1.RetrievalService", {"Search": search})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    _main()

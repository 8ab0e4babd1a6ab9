"""Search(vector) as a page of Python would have it: an index file, the items in a list, the same messages.

    python -m benchmarks.answering.minimal FOLDER

FOLDER holds index.faiss and items.json, as `benchmarks.answering.material.taken_apart` writes them.
No validation, no limits, no filters, no deletions, no log, no metrics: what answering costs at least.
"""

import json
import sys
from pathlib import Path

import faiss
import grpc
import numpy as np

from benchmarks.answering.listening import answer_searches
from smserve.v1 import retrieval_pb2

TOP_K = 10


class Minimal:
    """Search, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._index = faiss.read_index(str(folder / "index.faiss"))
        self._items = [
            (item_id, label, payload.encode())
            for item_id, label, payload in json.loads((folder / "items.json").read_text(encoding="utf-8"))
        ]

    def search(
        self,
        request: retrieval_pb2.SearchRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the signature of a servicer
    ) -> retrieval_pb2.SearchResponse:
        """Find the nearest."""
        vector = np.frombuffer(request.vector.data, np.float32)
        scores, positions = self._index.search(vector[np.newaxis], request.top_k or TOP_K)
        response = retrieval_pb2.SearchResponse()
        for score, position in zip(scores[0], positions[0], strict=True):
            item_id, label, payload = self._items[position]
            response.hits.add(item_id=item_id, score=score, label=label, payload=payload)
        return response


def _main() -> None:
    answer_searches(Minimal(Path(sys.argv[1])).search)


if __name__ == "__main__":
    _main()

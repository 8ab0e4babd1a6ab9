"""A search without a server: decode, inference and search, as often as it goes, on some threads.

    python -m benchmarks.answering.bare --model FILE --gallery DIR PHOTO...

A side (`benchmarks.side`): asked for threads and seconds, it answers with the number of searches, the seconds that they
took, and the median seconds of each stage.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smserve.embedder import Embedder, InferenceSettings, Precision, Provider
from smserve.gallery import LocalGallery
from smserve.types import FieldMask, FloatArray, Hit

TOP_K = 10
STAGES = ("decode", "inference", "search")


class Bare:
    """The three stages, one after the other."""

    def __init__(
        self, model: Path, gallery: Path, photos: list[Path], provider: Provider, precision: Precision
    ) -> None:
        self.embedder = Embedder(model, InferenceSettings(provider=provider, precision=precision))
        self._gallery = LocalGallery.open(gallery, name="g")
        self._photos = [path.read_bytes() for path in photos]

    def search(self, number: int) -> tuple[float, float, float, float]:
        """Search with a photo, and return the moments between the stages."""
        started = time.perf_counter()
        pixels = self.embedder.prepare(self._photos[number % len(self._photos)])
        decoded = time.perf_counter()
        vector = self.embedder.embed(pixels[np.newaxis])
        embedded = time.perf_counter()
        self.nearest(vector, TOP_K)
        return started, decoded, embedded, time.perf_counter()

    def nearest(self, vectors: FloatArray, top_k: int) -> Sequence[Sequence[Hit]]:
        """Return the hits of queries (Q, D)."""
        return self._gallery.search(vectors, top_k, FieldMask()).hits

    def turn(self, threads: int, seconds: float) -> dict[str, object]:
        """Search for so long."""
        moments: list[list[tuple[float, float, float, float]]] = [[] for _ in range(threads)]
        began = time.perf_counter()

        def work(own: list[tuple[float, float, float, float]], number: int) -> None:
            while time.perf_counter() - began < seconds:
                own.append(self.search(number))
                number += threads

        workers = [threading.Thread(target=work, args=(own, number)) for number, own in enumerate(moments)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        took = time.perf_counter() - began
        stages = {
            name: statistics.median(each[stage + 1] - each[stage] for own in moments for each in own)
            for stage, name in enumerate(STAGES)
        }
        return {"searches": sum(map(len, moments)), "seconds": took, "stages": stages}


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--gallery", type=Path, required=True)
    parser.add_argument("--provider", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("photos", type=Path, nargs="+")
    options = parser.parse_args()
    bare = Bare(options.model, options.gallery, options.photos, options.provider, options.precision)
    bare.turn(1, 0.5)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(bare.turn(**json.loads(line))), flush=True)


if __name__ == "__main__":
    _main()

"""The gallery's own search path: `python -m benchmarks.vector_search.ours DATA.npz RECALL... [--index STRING]...`.

A generation is written, opened and searched as a server does it: by its view, which returns cosines and keys. Only the
rows of the hits, which SQLite holds, are left out: the peers have none.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.vector_search.contender import Contender, serve
from benchmarks.vector_search.data import TOP_K, Data
from smserve.gallery.generation import Generation
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.publication import BuiltIndex, write_generation
from smserve.gallery.tuning import tune
from smserve.gallery.tuning.candidates import candidate_for, in_lists, second_looks
from smserve.gallery.tuning.queries import left_out
from smserve.gallery.view import View

_MODEL = "0" * 64
_LEFT_OUT = 1000  # of our own vectors: how far neighbours are
CORES = len(os.sched_getaffinity(0))


class Gallery(Contender):
    """Whatever `smserve index tune` chooses, or what was chosen beforehand."""

    def __init__(self, told: Sequence[str]) -> None:
        self._told = told
        self._choices: dict[str, IndexChoice] = {}
        self._generations: dict[str, Generation] = {}

    def build(self, data: Data, recalls: Sequence[float]) -> Sequence[str]:
        """Tune to each recall unless told what to take, and write a generation for each index."""
        for choice in _given(data, self._told) if self._told else _tuned(data, recalls):
            self._choices[_name(choice)] = choice
            if choice.index not in self._generations:
                self._generations[choice.index] = _generation(data, choice)
        return list(self._choices)

    def use(self, name: str, effort: int, threads: int) -> None:
        """Set what the index's own setting is."""
        choice = self._choices[name]
        choice = in_lists(choice, effort) if choice.lists else replace(choice, efSearch=effort)
        generation = self._generations[choice.index]
        index = generation.index.with_settings(choice)
        self._view = View.of(
            Generation(generation.manifest, generation.keys, generation.vectors, index), index.dimension
        )
        faiss.omp_set_num_threads(threads)

    def search_one(self, query: NDArray[np.float32]) -> Any:
        """Cosines and keys."""
        return self._view.search(query, TOP_K)

    def search_many(self, queries: NDArray[np.float32]) -> Any:
        """Cosines and keys."""
        return self._view.search(queries, TOP_K)

    def positions(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """Keys are positions."""
        return np.array([[key for _, key in hits] for hits in self.search_many(queries)], np.int64)


def _name(choice: IndexChoice) -> str:
    if choice.nprobe is None or choice.far_nprobe is None:
        return choice.index
    return f"{choice.index}, {choice.far_nprobe / choice.nprobe:g} times nprobe below {choice.far_score}"


def _given(data: Data, indexes: Sequence[str]) -> Iterator[IndexChoice]:
    """Yield what was told, and each IVF with second looks, too, as tuning tries it: by the data's own vectors."""
    kth_scores = left_out(data.vectors, _LEFT_OUT, seed=0).kth_scores
    for index in indexes:
        choice = candidate_for(index).ladders[0][-1]
        yield choice
        yield from (ladder[0] for ladder in second_looks(choice, kth_scores))


def _tuned(data: Data, recalls: Sequence[float]) -> Iterator[IndexChoice]:
    """Yield what tuning chooses for each recall."""
    tried: Sequence[str] = ()
    for recall in sorted(recalls, reverse=True):
        report = tune(data.vectors, recall=recall, indexes=tried, exact_below=0, progress=_say)
        for trial in report.trials:
            print(f"  {recall:g} {trial.choice}: {trial.to_dict()}", file=sys.stderr)
        good = (trial.choice.index for trial in report.trials if not report.limits.misses(trial))
        tried = list(dict.fromkeys(good))[:3]
        if report.chosen is not None:
            yield report.chosen.choice


def _generation(data: Data, choice: IndexChoice) -> Generation:
    with tempfile.TemporaryDirectory() as folder:  # what is mapped stays there until it is let go of

        def build(vectors: NDArray[np.float32]) -> BuiltIndex:
            return BuiltIndex(index=VectorIndex.build(vectors, choice, threads=CORES), recall={"kind": "measured"})

        manifest, sha256 = write_generation(
            Path(folder),
            [(np.arange(len(data.vectors)), data.vectors)],
            model_fingerprint=_MODEL,
            dimension=data.vectors.shape[1],
            metric="cosine",
            expected_count=len(data.vectors),
            last_sequence=1,
            build_index=build,
        )
        return Generation.open(Path(folder), manifest.number, manifest_sha256=sha256)


def _say(done: int, total: int, index: str) -> None:
    print(f"  ours: {done} of {total} {index}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("recalls", type=float, nargs="+")
    parser.add_argument("--index", action="append", default=[])
    told = parser.parse_args()
    serve(Gallery(told.index), Data.load(told.data), told.recalls)

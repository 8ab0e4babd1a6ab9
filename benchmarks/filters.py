"""Search under filters: recall@10 and milliseconds a query, by what share of the gallery they keep and how.

100,000 x 64 clustered vectors, in process, one query at a time, one thread; each of Flat, IVF and HNSW, the latter two
tuned to recall@10 of 0.99 without a filter. A `random` filter keeps items whatever their vectors; a `correlated` one
keeps whole clusters, while queries come from all of them. Measures are over the indexes: their spread shows the worst.
Then the same by a bitmap selector alone, for comparison; where exact search overtakes the index; and what the first use
of a filter costs. Times are of the processor, so that other processes don't count. `--quick` takes 20,000 vectors.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evidence import describe_machine, print_measure
from smserve.filters import parse_filter
from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.database import Database, create_database
from smserve.gallery.exact import search_exactly
from smserve.gallery.filtering import FilterCondition, declare_fields
from smserve.gallery.filtering.nearest import EXACT_SHARE, search_kept
from smserve.gallery.format import SCHEMA
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.types import FloatArray

SHARES = {"50": 0.5, "10": 0.1, "1": 0.01, "0.01": 0.0001}
RULE_SHARES = (0.8, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
DIMENSION, TOP_K, TARGET = 64, 10, 0.99

Search = Callable[[FloatArray], list[tuple[Positions, FloatArray]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is searched.

    Attributes:
        vectors: (N, 64) float32, unit norm.
        clusters: (N,) of the vectors.
        queries: (Q, 64), of all clusters.
    """

    vectors: FloatArray
    clusters: NDArray[np.int64]
    queries: FloatArray

    @classmethod
    def drawn(cls, count: int, queries: int) -> "Data":
        """Draw clusters of about 100 around normally distributed centres."""
        random = np.random.default_rng(0)
        centres = random.standard_normal((count // 100, DIMENSION))
        clusters = random.integers(0, len(centres), count + queries)
        points = centres[clusters] + 0.5 * random.standard_normal((count + queries, DIMENSION))
        unit = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
        return cls(vectors=unit[:count], clusters=clusters[:count], queries=unit[count:])

    def kept(self, kind: str, share: float) -> Bitmap:
        """Draw what a filter keeps."""
        random = np.random.default_rng(1)
        count = max(TOP_K, round(share * len(self.vectors)))
        if kind == "random":
            return Bitmap.of(random.permutation(len(self.vectors))[:count], len(self.vectors))
        order = random.permutation(self.clusters.max() + 1)[self.clusters]  # clusters one after the other
        return Bitmap.of(np.argsort(order, kind="stable")[:count], len(self.vectors))


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks filters", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 vectors")
    quick = parser.parse_args(arguments).quick
    data = Data.drawn(20_000 if quick else 100_000, 100)
    print(f"Filters on {len(data.vectors):,} x {DIMENSION} vectors, {len(data.queries)} queries; {describe_machine()}.")
    indexes = {str(choice): (built, choice) for built, choice in tuned_indexes(data)}
    print(f"{'index':<28}{'filter':<12}{'kept %':>7}{'recall@10':>11}{'ms':>8}{'':4}by selector alone: recall, ms")
    measures = []
    for kind in ("random", "correlated"):
        for percent, share in SHARES.items():
            kept = data.kept(kind, share)
            recalls, times = [], []
            for name, (index, choice) in indexes.items():
                recall, ms = measured(data, kept, by_rule(data, index, choice, kept))
                alone = measured(data, kept, by_selector(index, kept))
                print(f"{name:<28}{kind:<12}{percent:>7}{recall:>11.3f}{ms:>8.3f}{'':4}{alone[0]:.3f}, {alone[1]:.3f}")
                recalls.append(recall)
                times.append(ms)
            measures.append((f"filters.{kind}.{percent}", recalls, times))
    print_rule(data, indexes)
    print_first_use(len(data.vectors))
    for name, recalls, times in measures:
        print_measure(f"{name}.recall", recalls, goal=TARGET, better="higher")
        print_measure(f"{name}.ms", times, better="lower")


def tuned_indexes(data: Data) -> list[tuple[VectorIndex, IndexChoice]]:
    """Return Flat, IVF and HNSW; the latter two look as hard as recall@10 of 0.99 without a filter takes."""
    everything = Bitmap.from_booleans(np.ones(len(data.vectors), np.bool_))
    lists = f"IVF{int(4 * len(data.vectors) ** 0.5)},Flat"
    tuned = [(VectorIndex.build(data.vectors), IndexChoice())]
    for choices in (
        [IndexChoice(index=lists, nprobe=nprobe) for nprobe in (1, 2, 4, 8, 16, 32, 64, 128)],
        [IndexChoice(index="HNSW32", efSearch=candidates) for candidates in (16, 24, 32, 48, 64, 96, 128, 256)],
    ):
        index = VectorIndex.build(data.vectors, choices[0])
        for choice in choices:
            index = index.with_settings(choice)
            if measured(data, everything, by_selector(index, None))[0] >= TARGET:
                break
        tuned.append((index, choice))
    return tuned


def by_rule(
    data: Data, index: VectorIndex, choice: IndexChoice, kept: Bitmap, exact_share: float = EXACT_SHARE
) -> Search:
    """Return the search that the gallery does."""

    def search(query: FloatArray) -> list[tuple[Positions, FloatArray]]:
        return search_kept(
            index=index,
            vectors=data.vectors,
            kept=kept,
            queries=query,
            top_k=TOP_K,
            approximate=not choice.is_exact,
            exact_share=exact_share,
        )

    return search


def by_selector(index: VectorIndex, kept: Bitmap | None) -> Search:
    """Return the search that skips what is not kept, whatever that does to its recall."""
    return lambda query: index.search(query, TOP_K, kept)


def exactly(data: Data, kept: Bitmap) -> Search:
    """Return the search that compares with all that is kept."""
    return lambda query: search_exactly(query, data.vectors, TOP_K, kept.positions())


def measured(data: Data, kept: Bitmap, search: Search) -> tuple[float, float]:
    """Return recall@10 and the median of the milliseconds of processor time that a query takes."""
    right = search_exactly(data.queries, data.vectors, TOP_K, kept.positions())
    times, shares = [], []
    for query, (wanted, _) in zip(data.queries, right, strict=True):
        started = time.thread_time()
        ((found, _),) = search(query[None])
        times.append(1000 * (time.thread_time() - started))
        shares.append(len(np.intersect1d(found, wanted)) / len(wanted))
    return statistics.fmean(shares), statistics.median(times)


def print_rule(data: Data, indexes: dict[str, tuple[VectorIndex, IndexChoice]]) -> None:
    """Print where exact search of what is kept overtakes the index."""
    print(f"Index or exact search of what is kept (the rule switches at {EXACT_SHARE:.0%}), random filter, ms a query:")
    print(f"{'kept %':>7}{'exact':>9}" + "".join(f"{name:>28}" for name in indexes))
    for share in RULE_SHARES:
        kept = data.kept("random", share)
        _, exact = measured(data, kept, exactly(data, kept))
        line = f"{100 * share:>7g}{exact:>9.3f}"
        for index, choice in indexes.values():
            recall, ms = measured(data, kept, by_rule(data, index, choice, kept, exact_share=0.0))
            line += f"{ms:>18.3f} ({recall:.3f})"
        print(line)


def print_first_use(count: int) -> None:
    """Print what SQLite takes to find what matches, which it is asked for once a filter."""
    filters = ('brand = "b7"', "price < 5", 'price < 50 and color in ("red", "blue")', 'tags = "t3"')
    print(f"First use of a filter, {count:,} rows, ms: looking at every row, and with the fields declared")
    for filter, (undeclared, declared, found) in zip(filters, first_use(count, filters), strict=True):
        print(f"  {filter:<44}{undeclared:>9.1f}{declared:>9.1f}   ({found:,} match)")


def first_use(count: int, filters: Sequence[str]) -> list[tuple[float, float, int]]:
    """Return milliseconds without and with an index, and how many rows match, by filter."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.sqlite"
        create_database(path, SCHEMA, "INSERT INTO meta VALUES (?, ?)", [("last_sequence", "0")])
        database = Database(path, writable=True)
        with database.transaction() as execute:
            for key in range(1, count + 1):
                payload = {
                    "brand": f"b{key % 50}",
                    "color": str(random.choice(["red", "green", "blue"])),
                    "price": round(float(random.uniform(0, 100)), 2),
                    "tags": [f"t{key % 7}", f"t{key % 11}"],
                }
                row = (key, str(key), "", json.dumps(payload, sort_keys=True), "", "", bytes(4 * DIMENSION), 1, 0)
                execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        conditions = [FilterCondition(parse_filter(filter)) for filter in filters]
        undeclared = [asked(database, condition) for condition in conditions]
        with database.transaction() as execute:
            declare_fields(execute, ("brand", "color", "price", "tags"))
        declared = [asked(database, condition) for condition in conditions]
        database.close()
    return [(before[0], after[0], after[1]) for before, after in zip(undeclared, declared, strict=True)]


def asked(database: Database, condition: FilterCondition) -> tuple[float, int]:
    """Return milliseconds, and how many rows match."""
    started = time.thread_time()
    keys = condition.keys(database.rows)
    return 1000 * (time.thread_time() - started), len(keys)

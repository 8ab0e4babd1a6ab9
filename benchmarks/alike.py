"""Search one set of items where it lies in several places: the answers side by side, and in turn, queries a second.

Benchmark `galleries` runs it in a process of its own, which gets a server's settings of threads before all else.
"""

import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from benchmarks.evidence import print_measure
from smserve.gallery import GalleryReader, LocalGallery
from smserve.gallery.milvus import MilvusAddress, MilvusReader, is_milvus_address
from smserve.types import FieldMask, FloatArray, Hit

TOP_K, TURNS, PAGE = 10, 5, 1000
SAME = 1e-5  # difference of scores that are called equal
VECTORS = FieldMask(payload=False, vector=True)


def run(places: str, queries: str, seconds: str) -> None:
    """Compare and measure.

    Args:
        places: JSON: name -> folder or address; the first is compared with the others.
        queries: Folder of the gallery whose items ask.
        seconds: Of a turn.
    """
    with ExitStack() as stack:
        sides = {name: stack.enter_context(closing(opened(place))) for name, place in json.loads(places).items()}
        asked = vectors_of(stack.enter_context(closing(opened(queries))))
        compare(sides, asked, vectors_of(next(iter(sides.values()))))
        measure(sides, asked, float(seconds))


def opened(place: str) -> GalleryReader:
    """Open a folder or a collection."""
    return MilvusReader.open(MilvusAddress.parse(place)) if is_milvus_address(place) else LocalGallery.open(Path(place))


def vectors_of(reader: GalleryReader) -> FloatArray:
    """Return all vectors (N, D) of a gallery."""
    found, token = list[FloatArray](), ""
    while not found or token:
        page = reader.page(PAGE, token, VECTORS)
        found += [item.vector for item in page.items if item.vector is not None]
        token = page.next_token
    return np.stack(found)


def compare(sides: dict[str, GalleryReader], queries: FloatArray, vectors: FloatArray) -> None:
    """Print the share of queries that all sides answer alike, and, in words, whether that is exact search."""
    answers = {name: reader.search(queries, TOP_K, FieldMask()).hits for name, reader in sides.items()}
    best = -np.sort(-(queries @ vectors.T), axis=1)[:, :TOP_K]  # (Q, 10)
    for name, hits in answers.items():
        scores = np.array([[hit.score for hit in each] for each in hits])
        print(f"  {name}: scores differ from numpy's by {np.abs(scores - best).max():.1g} at most", flush=True)
    alike = [all(agree(first, other) for other in others) for first, *others in zip(*answers.values(), strict=True)]
    print_measure("galleries.top10_agreement", [statistics.fmean(alike)], goal=1.0, better="higher")


def agree(first: Sequence[Hit], second: Sequence[Hit]) -> bool:
    """Whether two answers are the same, but for the choice among items that score like the last."""
    if len(first) != len(second) or any(abs(a.score - b.score) > SAME for a, b in zip(first, second, strict=True)):
        return False
    found = [{hit.item_id: hit.score for hit in hits} for hits in (first, second)]
    scores, last = {**found[0], **found[1]}, first[-1].score if first else 0.0
    return all(abs(scores[item_id] - last) <= SAME for item_id in found[0].keys() ^ found[1].keys())


def measure(sides: dict[str, GalleryReader], queries: FloatArray, seconds: float) -> None:
    """Search each side in turn, and print queries a second, and this process's processor time of one."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for reader in sides.values():
        ask(reader, queries, seconds / 4)  # warm
    for _ in range(TURNS):
        for name, reader in sides.items():
            rate, processor_ms = ask(reader, queries, seconds)
            rates[name].append(rate)
            spent[name].append(processor_ms)
    for name in sides:
        print_measure(f"galleries.{name}.processor_ms", spent[name], better="lower")
        print_measure(f"galleries.{name}.qps", rates[name], better="higher")


def ask(reader: GalleryReader, queries: FloatArray, seconds: float) -> tuple[float, float]:
    """Ask one query a call, for so long; returns queries a second, and milliseconds of processor time of one."""
    done, started, processor = 0, time.perf_counter(), time.process_time()
    while (clock := time.perf_counter() - started) < seconds:
        reader.search(queries[done % len(queries)][np.newaxis], TOP_K, FieldMask())
        done += 1
    return done / clock, (time.process_time() - processor) / done * 1e3

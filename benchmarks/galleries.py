"""The same 10,000 items, emoji and photos, searched in a folder and in Milvus: the same answers, and queries a second.

Pictures are photos of SMSERVE_PHOTOS (drawn ones where that is not set), the emoji data set, and other art of its
packages, embedded with the demo's model; 500 more, which the galleries lack, ask. The folder is built, and copied to
milvus-lite by `copy_gallery`; both search exactly. Two answers agree where their ten scores do, within 1e-5, and where
only items differ that score like the tenth. Then both are searched in turn, one query a call, by one thread, hits with
payload; beside the rate by the clock stands this process's processor time of a query, the embedded engine's included.
`--milvus` adds a server: a collection that is not there yet, and stays. `--quick` takes 1,000 items.
"""

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from benchmarks.answering.material import demo_model
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.mixed_pictures import mixed_pictures
from smserve.gallery import GalleryReader, LocalGallery
from smserve.gallery.milvus import MilvusAddress, MilvusReader
from smserve.indexing import build_gallery, copy_gallery
from smserve.types import FieldMask, FloatArray, Hit

TOP_K, TURNS = 10, 5
SAME = 1e-5  # difference of scores that are called equal
VECTORS = FieldMask(payload=False, vector=True)


def main(arguments: list[str]) -> None:
    """Build, copy, compare, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks galleries", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 items, 100 queries")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the emoji are (default: data)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn (default: 2)")
    parser.add_argument("--milvus", metavar="milvus://HOST:PORT/NAME", help="a server to search, too")
    options = parser.parse_args(arguments)
    count, asked = (1_000, 100) if options.quick else (10_000, 500)
    print(f"{count:,} emoji and photos, {asked} queries; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        queries, vectors = build(root, count, asked, options.data)
        sides: dict[str, GalleryReader] = {"local": stack.enter_context(closing(LocalGallery.open(root / "items")))}
        addresses = {"milvus_lite": MilvusAddress(name="items", file=root / "items.db")}
        if options.milvus:
            addresses["milvus"] = MilvusAddress.parse(options.milvus)
        for name, address in addresses.items():
            report = copy_gallery(root / "items", address)
            print(
                f"  {name}: {report.item_count:,} items copied in {report.seconds:.0f} s, {report.compared} compared, "
                f"recall@10 {report.recall:.3f}",
                flush=True,
            )
            sides[name] = stack.enter_context(closing(MilvusReader.open(address)))
        compare(sides, queries, vectors)
        measure(sides, queries, options.seconds)


def build(root: Path, count: int, asked: int, data: Path) -> tuple[FloatArray, FloatArray]:
    """Build the gallery `items`; returns queries (Q, D) that it lacks, and its vectors (N, D)."""
    model = demo_model(root / "model.onnx")
    sources = mixed_pictures(count + asked, data, root / "drawn")
    if len(sources) < count + asked:
        print(f"  only {len(sources):,} pictures are to be had, {asked} of them ask", flush=True)
    for name, some in (("items", sources[asked:]), ("queries", sources[:asked])):
        report = build_gallery(model=model, sources=some, gallery=root / name)
        kinds = Counter(source.item_id.partition("/")[0] for source in some)
        told = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
        print(
            f"  {name}: {report.items:,} ({told}), {len(report.unreadable)} unreadable, by {model.name} in "
            f"{report.seconds:.0f} s",
            flush=True,
        )
    size = sum(path.stat().st_size for path in (root / "items").rglob("*") if path.is_file())
    print(f"  the folder has {size / 2**20:.0f} MiB, with a thumbnail of each picture", flush=True)
    return vectors_of(root / "queries"), vectors_of(root / "items")


def vectors_of(gallery: Path) -> FloatArray:
    """Return all vectors (N, D) of a gallery."""
    with closing(LocalGallery.open(gallery)) as reader:
        items = reader.page(reader.info().item_count, "", VECTORS).items
        return np.stack([item.vector for item in items if item.vector is not None])


def compare(sides: dict[str, GalleryReader], queries: FloatArray, vectors: FloatArray) -> None:
    """Print the share of queries that all sides answer alike, and, in words, whether that is exact search."""
    answers = {name: reader.search(queries, TOP_K, FieldMask()).hits for name, reader in sides.items()}
    best = -np.sort(-(queries @ vectors.T), axis=1)[:, :TOP_K]  # (Q, 10)
    for name, hits in answers.items():
        scores = np.array([[hit.score for hit in each] for each in hits])
        print(f"  {name}: scores differ from numpy's by {np.abs(scores - best).max():.1g} at most", flush=True)
    alike = [all(agree(local, other) for other in others) for local, *others in zip(*answers.values(), strict=True)]
    print_measure("galleries.top10_agreement", [statistics.fmean(alike)], goal=1.0, better="higher")


def agree(first: Sequence[Hit], second: Sequence[Hit]) -> bool:
    """Whether two answers are the same, but for the choice among items that score alike."""
    if len(first) != len(second) or any(abs(a.score - b.score) > SAME for a, b in zip(first, second, strict=True)):
        return False
    tenth = first[-1].score
    found = [{hit.item_id: hit.score for hit in hits} for hits in (first, second)]
    only_one = found[0].keys() ^ found[1].keys()
    return all(abs({**found[0], **found[1]}[item_id] - tenth) <= SAME for item_id in only_one)


def measure(sides: dict[str, GalleryReader], queries: FloatArray, seconds: float) -> None:
    """Search each side in turn, and print queries a second."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for reader in sides.values():
        rate(reader, queries, seconds / 4)  # warm
    for _ in range(TURNS):
        for name, reader in sides.items():
            started = time.process_time()
            rates[name].append(rate(reader, queries, seconds))
            spent[name].append((time.process_time() - started) / (rates[name][-1] * seconds) * 1e3)
    for name in sides:
        print_measure(f"galleries.{name}.processor_ms", spent[name], better="lower")
        print_measure(f"galleries.{name}.qps", rates[name], better="higher")


def rate(reader: GalleryReader, queries: FloatArray, seconds: float) -> float:
    """Return queries a second, one a call."""
    done, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        reader.search(queries[done % len(queries)][np.newaxis], TOP_K, FieldMask())
        done += 1
    return done / spent

"""The same 10,000 items, emoji and photos, searched in a folder and in Milvus: the same answers, and queries a second.

Pictures are photos of SMSERVE_PHOTOS (drawn ones where that is not set), the emoji data set, and other art of its
packages, embedded with the demo's model; 500 more, which the galleries lack, ask. The folder is built, and copied to
milvus-lite by `copy_gallery`; both search exactly. Two answers agree where their ten scores do, within 1e-5, and where
only items differ that score like the tenth. Then both are searched in turn, one query a call, by one thread, hits with
payload; beside the rate by the clock stands the process's processor time of a query, the embedded engine's included.
`--milvus` adds a server: a collection that is not there yet, and stays. `--quick` takes 1,000 items.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.answering.material import demo_model
from benchmarks.evidence import describe_machine
from benchmarks.mixed_pictures import mixed_pictures
from smserve.gallery import is_finished
from smserve.gallery.milvus import MilvusAddress
from smserve.indexing import build_gallery, copy_gallery

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # as `smserve serve` has it


def main(arguments: list[str]) -> None:
    """Build and copy, then compare and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks galleries", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 items, 100 queries")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the emoji are (default: data)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn (default: 2)")
    parser.add_argument("--milvus", metavar="milvus://HOST:PORT/NAME", help="a server to search, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the folder's gallery there for the next run")
    options = parser.parse_args(arguments)
    count, asked = (1_000, 100) if options.quick else (10_000, 500)
    print(f"{count:,} emoji and photos, {asked} queries; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = options.keep or Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        build(root, count, asked, options.data)
        places = {"local": str(root / "items")}
        addresses = {"milvus_lite": MilvusAddress(name="items", file=Path(folder) / "items.db")}
        if options.milvus:
            addresses["milvus"] = MilvusAddress.parse(options.milvus)
        for name, address in addresses.items():
            report = copy_gallery(root / "items", address)
            print(
                f"  {name}: {report.item_count:,} items copied in {report.seconds:.0f} s, {report.compared} compared, "
                f"recall@10 {report.recall:.3f}",
                flush=True,
            )
            places[name] = str(address)
        command = [sys.executable, "-c", "import sys; from benchmarks.alike import run; run(*sys.argv[1:])"]
        rest = [json.dumps(places), str(root / "queries"), str(options.seconds)]
        subprocess.run([*command, *rest], env=ENVIRONMENT, check=True)


def build(root: Path, count: int, asked: int, data: Path) -> None:
    """Build the galleries `items`, and `queries`, which the first one lacks, where they are not there."""
    model = demo_model(root / "model.onnx")
    sources = mixed_pictures(count + asked, data, root / "drawn")
    if len(sources) < count + asked:
        print(f"  only {len(sources):,} pictures are to be had, {asked} of them ask", flush=True)
    for name, some in (("items", sources[asked:]), ("queries", sources[:asked])):
        kinds = Counter(source.item_id.partition("/")[0] for source in some)
        told = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
        done = "there already"
        if not is_finished(root / name):
            report = build_gallery(model=model, sources=some, gallery=root / name)
            done = f"{len(report.unreadable)} unreadable, by {model.name} in {report.seconds:.0f} s"
        print(f"  {name}: {len(some):,} ({told}), {done}", flush=True)
    size = sum(path.stat().st_size for path in (root / "items").rglob("*") if path.is_file())
    print(f"  the folder has {size / 2**20:.0f} MiB, with a thumbnail of each picture", flush=True)

"""Searches a second of two worker processes behind one port, beside the tuned threaded server on the same two cores.

Pictures: photos of SMSERVE_PHOTOS (drawn pictures without) with the demo's model; what runs it, and how, is what
`smserve tune` chooses here, for both sides; the workers share the cores as `--workers 2` does unless it is told
otherwise. Vectors: 100,000 x 64, recall@10 at least 0.99. Each caller has a connection of its own, which the kernel
gives to a worker when it is made; each side gets as many callers as suit it best. Rates are those of benchmark
`serving`: the callers' own processor time is taken out. The sides take turns. `--quick` takes 3 short turns.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.answering import material
from benchmarks.answering.turns import CORES, WORKERS, Pictures, Turns, answering_side
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import ServerProcess
from benchmarks.side import Side
from smserve.tuning import Limits, tune

_CALLERS: Final = (4, 8)
_PARTS: Final = ("pictures", "vectors")
_THREADS: Final = ("--read-only",)  # as the workers: each side follows a gallery that another process may write


def main(arguments: list[str]) -> None:
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks workers", description=__doc__)
    parser.add_argument("--part", choices=_PARTS, action="append", help="only this; repeatable")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of each side (default: 5)")
    parser.add_argument("--seconds", type=float, default=5, help="of a turn (default: 5)")
    parser.add_argument("--quick", action="store_true", help="3 turns of 2 s")
    options = parser.parse_args(arguments)
    turns = Turns(*((3, 2.0) if options.quick else (options.repetitions, options.seconds)))
    parts = options.part or _PARTS
    print(f"Workers; {describe_machine()}.", flush=True)
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "pictures" in parts:
            ratios["pictures"] = pictures(folder, turns)
        if "vectors" in parts:
            ratios["vectors"] = vectors(folder, turns)
    for part, values in ratios.items():
        print_measure(f"workers.{part}.speedup_over_threads", values, goal=1.0, better="higher")
    worse = [min(values) for values in zip(*ratios.values(), strict=True)]
    print_measure("workers.speedup_over_threads", worse, goal=1.0, better="higher")


def pictures(folder: Path, turns: Turns) -> list[float]:
    """Compare searches by photo."""
    photos = material.photos(folder / "photos")
    model = material.demo_model(folder / "demo.onnx")
    these = Pictures(model, material.photo_gallery(folder / "demo", model, photos), photos)
    chosen = tune(
        model, [photo.read_bytes() for photo in photos[:32]], limits=Limits(), seconds=turns.seconds / 2
    ).chosen
    if chosen is None:
        raise RuntimeError("nothing was chosen")
    tuned = {f"--{name}": str(value) for name, value in chosen.candidate.options().items()}
    print(f"tuned: {' '.join(f'{name} {value}' for name, value in tuned.items())}", flush=True)
    threads = [word for option in tuned.items() for word in option]
    of_each = [word for option in tuned.items() if option[0] != "--max-in-flight" for word in option]
    with these.served(*_THREADS, *threads) as one, these.served(*WORKERS, *of_each) as several:
        return _ratios("pictures", several, one, turns)


def vectors(folder: Path, turns: Turns) -> list[float]:
    """Compare searches by vector."""
    model, gallery, queries = material.vector_gallery(folder)
    served = ("--gallery", str(gallery))
    with (
        ServerProcess(model, *served, *_THREADS, log_level="info") as one,
        ServerProcess(model, *served, *WORKERS, log_level="info") as several,
        answering_side("load", "vector", one.address, str(queries)) as of_one,
        answering_side("load", "vector", several.address, str(queries)) as of_several,
    ):
        return _ratios("vectors", of_several, of_one, turns)


def _ratios(part: str, workers: Side, threads: Side, turns: Turns) -> list[float]:
    for load in (workers, threads):
        for _ in range(2):  # connections are new each time: each worker gets some, and has at hand what is asked for
            load.ask(callers=max(_CALLERS), seconds=turns.seconds)
    ratios = []
    for _ in range(turns.repetitions):
        several, one = ({callers: turns.rate(load, callers) for callers in _CALLERS} for load in (workers, threads))
        ratios.append(max(several.values()) / max(one.values()))
        print(f"{part}: {CORES} workers {_listed(several)}, threads {_listed(one)} searches/s", flush=True)
    return ratios


def _listed(rates: dict[int, float]) -> str:
    return ", ".join(f"{rate:.1f} with {callers} callers" for callers, rate in rates.items())

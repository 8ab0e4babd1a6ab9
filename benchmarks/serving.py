"""Searches a second of a real server: of the limit without gRPC, beside LitServe, with OpenVINO, and of vectors alone.

GoogLeNet at 224 pixels and the demo's model, photos of SMSERVE_PHOTOS (drawn pictures without). Callers run in a
process of their own on the same cores. Their processor time is taken out: a rate is answers over the time of the cores
that was not the callers', so that a server which leaves a core idle is not excused. The limit is the faster of two
threads and two processes that decode, embed and search without gRPC. An echo is the plainest Python gRPC server, asked
with the same photos; the overhead is what one search at a time takes longer than the sum of its stages. LitServe runs
in an environment of its own, made under --cache, with the same model file and FAISS; it gets as many callers as suit it
best, and beside the default one ours is asked with OpenVINO, too. A plain server has the three stages in a gRPC
handler, and nothing else: what it misses of the limit, and takes longer, is gRPC's for Python. Workers are two
processes behind one port, with more callers; for vectors each keeps to a core. Vectors: 100,000 x 64, recall@10 at
least 0.99, beside a minimal gRPC server with the same index, payload and messages. All sides take turns. `--quick`
takes 3 short turns.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.answering import material
from benchmarks.answering.litserve_process import KINDS, LitServeProcess, make_environment
from benchmarks.answering.turns import WORKERS, Pictures, Turns, answering_side
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import ServerProcess

_LITSERVE_CALLERS: Final = (4, 8)
_PRECISIONS: Final = {"googlenet": "bfloat16", "demo": "float32"}
"""Of OpenVINO. In bfloat16 the demo's EfficientNet-Lite0 fails its self-check, by a cosine of 0.9988."""
_SIDES: Final = ("", "workers_", "plain_")
_CALLERS_OF_WORKERS: Final = 8  # each has a connection, which the kernel gives to a worker by lot
_PARTS: Final = ("pictures", "litserve", "openvino", "vectors")


def main(arguments: list[str]) -> None:
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks serving", description=__doc__)
    parser.add_argument("--part", choices=_PARTS, action="append", help="only this; repeatable")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of each side (default: 5)")
    parser.add_argument("--seconds", type=float, default=5, help="of a turn (default: 5)")
    parser.add_argument("--quick", action="store_true", help="3 turns of 2 s")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "smserve-benchmarks", help="for LitServe"
    )
    options = parser.parse_args(arguments)
    turns = Turns(*((3, 2.0) if options.quick else (options.repetitions, options.seconds)))
    parts = options.part or _PARTS
    print(f"Serving; {describe_machine()}.", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if set(parts) & {"pictures", "litserve", "openvino"}:
            photos = material.photos(folder / "photos")
            models = {
                "googlenet": material.googlenet(folder / "googlenet.onnx"),
                "demo": material.demo_model(folder / "demo.onnx"),
            }
            sets = {
                model: Pictures(path, material.photo_gallery(folder / model, path, photos), photos)
                for model, path in models.items()
            }
            if "pictures" in parts:
                pictures(sets, turns)
            if "openvino" in parts:
                openvino(sets, turns)
            if "litserve" in parts:
                litserve(sets, turns, make_environment(options.cache / "litserve"), folder)
        if "vectors" in parts:
            vectors(folder, turns)


def pictures(sets: dict[str, Pictures], turns: Turns) -> None:
    """Compare with the limit, and the overhead with an echo."""
    of_limit: dict[str, dict[str, list[float]]] = {side: {name: [] for name in sets} for side in _SIDES}
    overhead: dict[str, dict[str, list[float]]] = {side: {name: [] for name in sets} for side in ("", "plain_")}
    for name, these in sets.items():
        with (
            these.served() as ours,
            these.served(*WORKERS) as workers,
            these.plain() as plain,
            these.bare() as one,
            these.bare() as other,
            answering_side("echo") as echo,
            answering_side("load", "echo", echo.built["address"], *these.photos) as echoes,
        ):
            for _ in range(turns.repetitions):
                rates = turns.rate(ours), turns.rate(workers, _CALLERS_OF_WORKERS), turns.rate(plain)
                limit = turns.limit(one, other)
                search_s, plain_s, echo_s = turns.median_s(ours), turns.median_s(plain), turns.median_s(echoes)
                stages = one.ask(threads=1, seconds=turns.seconds)["stages"]
                for side, rate in zip(_SIDES, rates, strict=True):
                    of_limit[side][name].append(rate / limit)
                for side, took_s in (("", search_s), ("plain_", plain_s)):
                    overhead[side][name].append((took_s - sum(stages.values())) / echo_s)
                told = ", ".join(
                    f"{side}{rate:.1f}" for side, rate in zip(("", "workers ", "plain "), rates, strict=True)
                )
                print(
                    f"{name}: {told} searches/s of {limit:.1f}; one takes {search_s * 1e3:.2f} ms, plain "
                    f"{plain_s * 1e3:.2f}, its stages "
                    f"{', '.join(f'{stage} {took * 1e3:.2f}' for stage, took in stages.items())}, an echo "
                    f"{echo_s * 1e3:.2f} ms",
                    flush=True,
                )
    for name in sets:
        for side in _SIDES:
            goal = None if side == "plain_" else 0.9
            print_measure(f"serving.{name}.{side}throughput_of_limit", of_limit[side][name], goal=goal, better="higher")
        for side in overhead:
            goal = None if side else 1.5
            print_measure(
                f"serving.{name}.{side}p50_overhead_in_echoes", overhead[side][name], goal=goal, better="lower"
            )
    print_measure("serving.throughput_of_limit", _worse(min, of_limit[""]), goal=0.9, better="higher")
    print_measure("serving.p50_overhead_in_echoes", _worse(max, overhead[""]), goal=1.5, better="lower")


def openvino(sets: dict[str, Pictures], turns: Turns) -> None:
    """Compare OpenVINO with ONNX Runtime, and with its own limit."""
    over: dict[str, list[float]] = {}
    of_limit: dict[str, list[float]] = {}
    for name, these in sets.items():
        options = _openvino(name)
        over[name], of_limit[name] = [], []
        with (
            these.served("--read-only") as cpu,  # a gallery has one writer
            these.served("--read-only", *options) as ours,
            these.bare(*options) as one,
            these.bare(*options) as other,
        ):
            for _ in range(turns.repetitions):
                rate, before, limit = turns.rate(ours), turns.rate(cpu), turns.limit(one, other)
                over[name].append(rate / before)
                of_limit[name].append(rate / limit)
                print(f"{name}: OpenVINO {rate:.1f} searches/s of {limit:.1f}, ONNX Runtime {before:.1f}", flush=True)
    for name in sets:
        print_measure(f"serving.{name}.openvino_over_ort_cpu", over[name], goal=3, better="higher")
        print_measure(f"serving.{name}.openvino_of_limit", of_limit[name], goal=0.9, better="higher")
    print_measure("serving.openvino_over_ort_cpu", over["googlenet"], goal=3, better="higher")
    print_measure("serving.openvino_of_limit", _worse(min, of_limit), goal=0.9, better="higher")


def litserve(sets: dict[str, Pictures], turns: Turns, python: Path, folder: Path) -> None:
    """Compare with LitServe."""
    ratios: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in sets} for kind in KINDS}
    with_openvino: dict[str, list[float]] = {name: [] for name in sets}
    for name, these in sets.items():
        apart = material.taken_apart(these.gallery, folder / f"{name}-apart")
        for kind in KINDS:
            with (
                these.served() as ours,
                these.served("--read-only", *_openvino(name)) as ours_with_openvino,
                LitServeProcess(python, these.model, apart, kind) as server,
                answering_side("load", "litserve", server.address, *these.photos) as load,
            ):
                for _ in range(turns.repetitions):
                    rate = turns.rate(ours)
                    theirs = max(turns.rate(load, callers) for callers in _LITSERVE_CALLERS)
                    ratios[kind][name].append(rate / theirs)
                    told = f"{name}: {rate:.1f} searches/s, LitServe {kind} {theirs:.1f}"
                    if kind == "default":
                        best = turns.rate(ours_with_openvino)
                        with_openvino[name].append(best / theirs)
                        told += f", ours with OpenVINO {best:.1f}"
                    print(told, flush=True)
    for kind, goal in KINDS.items():
        for name in sets:
            print_measure(
                f"serving.{name}.throughput_over_litserve_{kind}", ratios[kind][name], goal=goal, better="higher"
            )
        print_measure(f"serving.throughput_over_litserve_{kind}", _worse(min, ratios[kind]), goal=goal, better="higher")
    for name in sets:
        print_measure(f"serving.{name}.openvino_over_litserve_default", with_openvino[name], better="higher")


def vectors(folder: Path, turns: Turns) -> None:
    """Compare searches by vector with a minimal server, and with an echo."""
    model, gallery, queries = material.vector_gallery(folder)
    apart = material.taken_apart(gallery, folder / "vectors-apart")
    ratios, of_workers, echo_ratios = [], [], []
    with (
        ServerProcess(model, "--gallery", str(gallery), log_level="info") as server,
        ServerProcess(model, "--gallery", str(gallery), *WORKERS, "--pin-workers", log_level="info") as several,
        answering_side("minimal", str(apart)) as minimal,
        answering_side("echo") as echo,
        answering_side("load", "vector", server.address, str(queries)) as ours,
        answering_side("load", "vector", several.address, str(queries)) as workers,
        answering_side("load", "vector", minimal.built["address"], str(queries)) as theirs,
        answering_side("load", "echo", echo.built["address"], str(queries)) as echoes,
    ):
        for load in (ours, workers, theirs, echoes):
            load.ask(callers=_CALLERS_OF_WORKERS, seconds=2 * turns.seconds)  # what is kept at hand is there
        server.wait_until_idle()  # rows are verified in the background
        several.wait_until_idle()
        for _ in range(turns.repetitions):
            rate, several_rate = turns.rate(ours), turns.rate(workers, _CALLERS_OF_WORKERS)
            least, plain = turns.rate(theirs), turns.rate(echoes)
            ratios.append(rate / least)
            of_workers.append(several_rate / least)
            echo_ratios.append(rate / plain)
            told = f"vectors: {rate:.0f} searches/s, workers {several_rate:.0f}, minimal {least:.0f}, echo {plain:.0f}"
            print(told, flush=True)
    print_measure("serving.vector_search_of_minimal", ratios, goal=0.9, better="higher")
    print_measure("serving.workers_vector_search_of_minimal", of_workers, better="higher")
    print_measure("serving.vector_search_of_echo", echo_ratios, better="higher")


def _openvino(name: str) -> tuple[str, ...]:
    return ("--provider", "openvino", "--precision", _PRECISIONS[name])


def _worse(choose: Callable[..., float], by_model: dict[str, list[float]]) -> list[float]:
    return [choose(values) for values in zip(*by_model.values(), strict=True)]

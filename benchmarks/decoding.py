"""From a JPEG's bytes to the model's input: our time over that of the fastest way that gives the same picture.

Photos of 500 x 375 and 4000 x 3000 (`SMSERVE_PHOTOS` names a folder of some; else they are drawn), to 224 and 96
pixels, on one thread, in its processor time, all ways in turn. A way gives the same picture where EfficientNet-Lite0
with ImageNet's weights embeds each with a cosine of at least 0.999, the bound of a model file's self-check, to one of
ours, decoded whole or reduced: each is what a model meets in training and service alike. At N x, a JPEG is decoded at
the least of 1/8, 1/4, 1/2 and 1 that has N times the sides it is resized to. Wants the extra `train`; other libraries
come with the extras `peers` and `simd`, and those not installed are left out. `--quick` takes fewer photos and turns.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.decoders.photos import large_photo, load_sources, small_photo
from benchmarks.decoders.ways import FULL, PEERS, REDUCED, Way, find_ways
from benchmarks.evidence import describe_machine, print_measure
from smserve.memory import give_back_large_blocks
from smserve.model_file import SELF_CHECK_MIN_COSINE
from training.config import ModelConfig
from training.model import build_model

_SIDES = (224, 96)


def main(arguments: list[str]) -> None:
    """Measure both sizes, and print the ratios at 224 pixels."""
    parser = argparse.ArgumentParser(prog="benchmarks decoding", description=__doc__)
    parser.add_argument("--photos", type=int, default=12, help="of the small size; a third of it large (default: 12)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each way (default: 15)")
    parser.add_argument("--quick", action="store_true", help="6 photos, 5 turns")
    options = parser.parse_args(arguments)
    photos, rounds = (6, 5) if options.quick else (options.photos, options.rounds)
    sources, origin = load_sources(photos)
    print(f"From JPEG to pixels, {origin}; {describe_machine()}.")
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        print(f"Left out, not installed: {', '.join(missing)}; pip install 'smserve[peers,simd]' brings them.")
    give_back_large_blocks()  # as the server does
    torch.set_num_threads(1)
    network = build_model(ModelConfig(backbone="efficientnet_lite0"), with_head=False).eval()
    sets = {
        "small": [small_photo(source, seed) for seed, source in enumerate(sources)],
        "large": [large_photo(source, seed) for seed, source in enumerate(sources[: max(2, photos // 3)])],
    }
    measured = {}
    for name, pictures in sets.items():
        for side in _SIDES:
            ways = find_ways(side)
            cosines = _agreement(ways, pictures, network)
            turns = _time_in_turn(ways, pictures, rounds if name == "small" else max(3, rounds // 3))
            _print_table(f"{name}, {len(pictures)} photos, to {side} pixels", ways, pictures, cosines, turns)
            measured[name, side] = cosines, turns
    for name in sets:
        for side in _SIDES:
            cosines, turns = measured[name, side]
            others = [way for way in turns if way not in {FULL, REDUCED} and max(cosines[way]) >= SELF_CHECK_MIN_COSINE]
            fastest = min(others, key=lambda way: statistics.median(turns[way]))
            at = "" if side == _SIDES[0] else f"_{side}"
            ratios = _ratios(turns[REDUCED], turns[fastest])
            print(f"{name}, {side} pixels: the fastest that agrees is {fastest}")
            print_measure(f"decoding.{name}{at}.of_fastest", ratios, goal=1.0, better="lower")
            print_measure(
                f"decoding.{name}{at}.speedup_over_full", _ratios(turns[FULL], turns[REDUCED]), better="higher"
            )


def _ratios(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(first, second, strict=True)]


def _agreement(ways: dict[str, Way], pictures: list[bytes], network: torch.nn.Module) -> dict[str, tuple[float, float]]:
    """Return each way's least cosine to the pictures decoded whole, and to those decoded reduced."""
    embeddings = {}  # name -> (N, D)
    for name, way in ways.items():
        with torch.inference_mode():
            embeddings[name] = network(torch.from_numpy(np.stack([way(picture) for picture in pictures]))).numpy()
    whole, reduced = embeddings[FULL], embeddings[REDUCED]
    return {
        name: (float((each * whole).sum(axis=1).min()), float((each * reduced).sum(axis=1).min()))
        for name, each in embeddings.items()
    }


def _time_in_turn(ways: dict[str, Way], pictures: list[bytes], rounds: int) -> dict[str, list[float]]:
    """Return each way's seconds a picture, a figure a turn."""
    turns: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            seconds = 0.0
            for picture in pictures:
                started = time.thread_time()
                way(picture)
                seconds += time.thread_time() - started
            if number:  # the first turn warms up
                turns[name].append(seconds / len(pictures))
    return turns


def _print_table(
    title: str,
    ways: dict[str, Way],
    pictures: list[bytes],
    cosines: dict[str, tuple[float, float]],
    turns: dict[str, list[float]],
) -> None:
    size = sum(map(len, pictures)) / len(pictures)
    print(f"\n{title}, {size / 1000:,.0f} KB each\n{'':<28}{'':>9}{'least cosine to':>18}{'off whole by':>18}")
    print(f"{'way':<28}{'ms':>9}{'whole':>9}{'reduced':>9}{'mean':>9}{'largest':>9}")
    for name, way in ways.items():
        off = [np.abs(way(picture).astype(int) - ways[FULL](picture)) for picture in pictures]
        milliseconds = 1000 * statistics.median(turns[name])
        mean, largest = np.mean([each.mean() for each in off]), max(int(each.max()) for each in off)
        to_whole, to_reduced = cosines[name]
        print(f"{name:<28}{milliseconds:>9.2f}{to_whole:>9.5f}{to_reduced:>9.5f}{mean:>9.2f}{largest:>9}", flush=True)

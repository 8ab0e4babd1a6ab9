"""What mining costs: its share of an epoch at CUB's size, and the neighbours alone at three sizes.

An epoch of the paper's recipe for CUB (5,864 pictures, 10 triplets an anchor, lists of 200, GoogLeNet at 224 pixels) is
too long for a processor, so its length is its pictures times the rate of a few real training steps, and the embedding
pass likewise; neighbours and selection are timed in full. Weights are random: they cost the same.

Neighbours are those of made-up clustered embeddings, D = 64, lists of 200, of 20 for a million pictures: there a graph
takes hours for longer ones. Of a million exact search asks for 20,000, and the time is scaled to all. At CUB's size the
graph is built until 98 % of the walks arrive; beyond it the first graph is taken, for a million one of smaller
parameters, and the share that arrives is printed. `--sizes` chooses among the sizes, none of them too; `--no-shares`
leaves the shares of an epoch out; `--quick` takes the smallest size, and one step.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console

from benchmarks.clustered import clustered_embeddings
from benchmarks.evidence import describe_machine, print_measure
from training.config import TrainConfig
from training.evaluation import LabelledPixels, embed_pictures
from training.losses import Objective
from training.model import EmbeddingNet, build_model
from training.neighbours import graph_neighbours, nearest_neighbours
from training.neighbours.hnsw import GraphParameters
from training.pixel_store import PixelStore
from training.recipes import find_recipe
from training.samplers import Neighbours, Plan, build_sampler
from training.trainer.epoch import Learner
from training.trainer.optimizer import build_optimizer
from training.trainer.progress import EpochBar

CUB, SOP, MILLION = 5_864, 59_551, 1_000_000
CLASSES = {CUB: 100, SOP: 11_318, MILLION: 100_000}
DIMENSION, LIST_LENGTH = 64, 200
LIST_LENGTHS = {CUB: LIST_LENGTH, SOP: LIST_LENGTH, MILLION: 20}
FIRST_GRAPHS = {MILLION: GraphParameters(links=12, effort=40, candidates=48, out_degree=32)}
SPREAD = 1.5  # of a class: a third of the pictures have one of another class nearest, or so
ASKED = 20_000  # of a million pictures, by exact search


def main(arguments: list[str]) -> None:
    """Time an epoch's parts, then neighbours at each size, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks mining", description=__doc__)
    sizes = sorted(CLASSES)
    parser.add_argument("--sizes", type=int, nargs="*", default=sizes, choices=sizes, help="neighbours (default: all)")
    parser.add_argument("--steps", type=int, default=3, help="training steps that are timed (default: 3)")
    parser.add_argument("--rounds", type=int, default=3, help="times that mining is timed (default: 3)")
    parser.add_argument("--no-shares", action="store_true", help="neighbours only")
    parser.add_argument("--quick", action="store_true", help="the smallest size, one step, one round")
    options = parser.parse_args(arguments)
    steps, rounds, sizes = (1, 1, [CUB]) if options.quick else (options.steps, options.rounds, options.sizes)
    print(f"Mining at D = {DIMENSION}, lists of {LIST_LENGTHS}; {describe_machine()}.", flush=True)
    if not options.no_shares:
        _shares_of_an_epoch(steps, rounds)
    for size in sizes:
        _neighbours(size, rounds if size == CUB else 1)


def _shares_of_an_epoch(steps: int, rounds: int) -> None:
    config = find_recipe("cub-adaptive", "cub")
    config = replace(config, model=replace(config.model, weights="none"))
    embeddings, classes = clustered_embeddings(CUB, CLASSES[CUB], DIMENSION, spread=SPREAD)
    labels = classes.numpy()
    sampler = build_sampler(config.sampler, labels)

    def select(found: Neighbours) -> Plan:
        return sampler.plan(found, sampler.first_difficulty(found), np.random.default_rng(0))

    searching = _times(lambda: nearest_neighbours(embeddings, LIST_LENGTH), rounds)
    found = Neighbours.of(*nearest_neighbours(embeddings, LIST_LENGTH))
    selecting = _times(lambda: select(found), rounds)
    plan = select(found)
    pictures = sum(len(batch.indices) for batch in plan.batches)
    trained_per_s, embedded_per_s = _rates(config, labels, plan, steps)
    mining_s = [a + b for a, b in zip(searching, selecting, strict=True)]
    training_s, embedding_s = pictures / statistics.median(trained_per_s), CUB / embedded_per_s
    seconds = statistics.median(mining_s)
    print(
        f"An epoch trains on {pictures:,} pictures and embeds {CUB:,}, here {training_s:,.0f} s and "
        f"{embedding_s:,.0f} s; neighbours take {statistics.median(searching):.2f} s, selection "
        f"{statistics.median(selecting):.2f} s. That would be one per cent of an epoch at "
        f"{pictures / (99 * seconds):,.0f} training pictures a second.",
        flush=True,
    )
    print_measure("mining.training_pictures_per_s", trained_per_s, better="higher")
    print_measure("mining.embedding_pictures_per_s", [embedded_per_s], better="higher")
    print_measure(
        "mining.embedding_share_of_epoch",
        [embedding_s / (training_s + embedding_s + seconds) for seconds in mining_s],
        better="lower",
    )
    print_measure(
        "mining.selection_share_of_epoch",
        [seconds / (training_s + embedding_s + seconds) for seconds in mining_s],
        goal=0.01,
        better="lower",
    )


def _rates(config: TrainConfig, labels: np.ndarray, plan: Plan, steps: int) -> tuple[list[float], float]:
    """Return pictures a second of some training steps, each, and of embedding."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    side = config.resize.size
    one = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    data = LabelledPixels(
        pixels=PixelStore(np.broadcast_to(one, (CUB, side, side, 3)), device, free_bytes=0), labels=labels
    )
    net: EmbeddingNet = build_model(config.model).to(device)
    objective = Objective(config.loss, classes=CLASSES[CUB], dimension=DIMENSION).to(device)
    learner = Learner(
        net=net,
        objective=objective,
        optimizer=build_optimizer(net, objective, config),
        data=data,
        config=config,
        bar=EpochBar(Console(quiet=True)),
    )
    rates = []
    for batch in plan.batches[: steps + 1]:
        outcome = learner.train(Plan(batches=[batch]), 1, embedded=0, shown={})
        rates.append(outcome.pictures / outcome.seconds)
    some = 256
    pixels = PixelStore(np.broadcast_to(one, (some, side, side, 3)), device, free_bytes=0)
    seconds = _times(lambda: embed_pictures(net, pixels, config.resize), 2)
    return rates[1:], some / seconds[-1]  # the first step and the first pass also load and choose what they need


def _neighbours(size: int, rounds: int) -> None:
    length = LIST_LENGTHS[size]
    embeddings, labels = clustered_embeddings(size, CLASSES[size], DIMENSION, spread=SPREAD)
    if size == MILLION:
        some = embeddings[torch.randperm(size, generator=torch.Generator().manual_seed(1))[:ASKED]]
        seconds = _times(lambda: nearest_neighbours(some, length, gallery=embeddings), rounds)
        print(f"exact, {size:,}: {ASKED:,} pictures took {seconds[0]:.1f} s, scaled by {size // ASKED}", flush=True)
        seconds = [size / ASKED * value for value in seconds]
    else:
        seconds = _times(lambda: nearest_neighbours(embeddings, length), rounds)
    print_measure(f"mining.exact.{size}.seconds", seconds, better="lower")
    wanted = 0.98 if size == CUB else 0.0
    graphs = [
        graph_neighbours(
            embeddings, length, seed=seed, labels=labels, wanted_success=wanted, first=FIRST_GRAPHS.get(size)
        )[2]
        for seed in range(rounds)
    ]
    last = graphs[-1]
    print(
        f"graph, {size:,}: {last.builds} built, {last.walk_success:.3f} of the walks arrived, out degree "
        f"{last.out_degree:.1f}, Recall@1 {last.recall_at_1:.3f} (exact {last.recall_at_1_exact:.3f})",
        flush=True,
    )
    print_measure(f"mining.graph.{size}.seconds", [graph.seconds for graph in graphs], better="lower")
    print_measure(f"mining.graph.{size}.recall", [graph.recall for graph in graphs], better="higher")


def _times(work: Callable[[], object], rounds: int) -> Sequence[float]:
    """Return the seconds of each round."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds

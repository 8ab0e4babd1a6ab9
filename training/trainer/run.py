"""A run from the first epoch to the figures on the test classes; reads from top to bottom."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.checkpoint import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.controller import Controller
from training.datasets import Dataset, PictureSet, Progress, decode_set
from training.evaluation import embed_pictures, evaluate
from training.losses import Objective
from training.metrics import retrieval_figures
from training.model import build_model
from training.neighbours import nearest_neighbours
from training.samplers import Neighbours, Sampler, build_sampler
from training.trainer.epoch import TrainingSet, train_epoch
from training.trainer.optimizer import build_optimizer
from training.trainer.progress import EpochBar
from training.trainer.random_state import get_random_state, set_random_state
from training.trainer.run_folder import RunFolder

__all__ = ["train"]


def train(
    config: TrainConfig,
    dataset: Dataset,
    folder: RunFolder,
    *,
    cache_dir: Path,
    device: torch.device,
    bar: EpochBar,
    progress: Progress,
    resume: bool = False,
) -> dict[str, Any]:
    """Train, and return the figures on the test classes after the last epoch.

    Args:
        config: All settings.
        dataset: Training, validation and test classes.
        folder: Where everything is written.
        cache_dir: Where decoded pictures are kept.
        device: Where to compute.
        bar: Shown while an epoch runs.
        progress: Told how far decoding is.
        resume: Go on after the last finished epoch; of a finished run, return the figures that it has.

    Raises:
        SmserveError: The run folder is taken, pictures can't be read, weights can't be had, or the loss is no number.
    """
    going_on = folder.begin(config, dataset.name, resume=resume, shared_classes=dataset.allow_shared_classes)
    known = folder.evaluation()
    if known is not None:
        return known
    train_pixels = decode_set(dataset.train, config.resize, cache_dir, progress)  # (N, S, S, 3)
    torch.manual_seed(config.seed)
    net = build_model(config.model).to(device)
    optimizer = build_optimizer(net, config.optimizer)
    objective = Objective(config.loss)
    sampler = build_sampler(config.sampler, dataset.train.labels)
    controller: Controller | None = None
    embedded, first = 0, 1
    if going_on:
        state = load_checkpoint(folder.checkpoint_file)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        controller = _controller(config, state["controller"]) if state["controller"] else None
        set_random_state(state["random"], device)
        embedded, first = state["embedded"], state["epoch"] + 1

    for epoch in range(first, config.epochs + 1):
        started = time.monotonic()
        random = np.random.default_rng([config.seed, epoch])
        neighbours = None
        mining_started = 0.0
        if sampler.mines(epoch):
            with bar.step(f"epoch {epoch}/{config.epochs}: embedding", len(train_pixels)) as advance:
                embeddings = embed_pictures(net, train_pixels, config.resize, device, advance)
            embedded += len(train_pixels)
            mining_started = time.monotonic()
            neighbours = Neighbours.of(*nearest_neighbours(embeddings, sampler.list_length))
            controller = controller or _first_controller(config, sampler, neighbours)
        difficulty = controller.value if controller else 0.0
        plan = sampler.plan(neighbours, difficulty, random)
        mining_s = time.monotonic() - mining_started if neighbours else 0.0
        shown = {"difficulty": difficulty} if controller else {}
        data = TrainingSet(pixels=train_pixels, labels=dataset.train.labels)
        outcome = train_epoch(net, optimizer, objective, data, plan, config, epoch, device, bar, shown)
        embedded += outcome.pictures
        if controller is not None and config.controller.adaptive:
            controller.update(outcome.active_share, config.controller.target)
        record = {
            "epoch": epoch,
            "loss": outcome.loss,
            "pair_loss": outcome.pair_loss,
            "global_loss": outcome.global_loss,
            "active_share": outcome.active_share,
            "mined_active_share": outcome.mined_active_share,
            "difficulty": difficulty if controller else None,
            "next_difficulty": controller.value if controller else None,
            **plan.figures,
            "embedded_pictures": embedded,
            "pictures_per_s": outcome.pictures / outcome.seconds,
            "mining_s": mining_s,
        }
        record["validation_recall_at_1"] = _validate(net, dataset.validation, config, cache_dir, device, progress)
        record["epoch_s"] = time.monotonic() - started
        folder.log_epoch(record)
        save_checkpoint(
            {
                "epoch": epoch,
                "net": net.state_dict(),
                "optimizer": optimizer.state_dict(),
                "controller": controller.state() if controller else None,
                "random": get_random_state(device),
                "embedded": embedded,
            },
            folder.checkpoint_file,
        )
        bar.finished_epoch(record, config.epochs)

    test_pixels = decode_set(dataset.test, config.resize, cache_dir, progress)
    figures = evaluate(net, test_pixels, dataset.test.labels, config.resize, device)
    folder.finish(figures)
    return figures


def _first_controller(config: TrainConfig, sampler: Sampler, neighbours: Neighbours) -> Controller:
    """Return the controller at the difficulty that the config says, or else the data."""
    start = config.controller.start
    first = sampler.first_difficulty(neighbours) if start is None else start
    return _controller(config, {"value": first, "first": first, "pairs": []})


def _controller(config: TrainConfig, state: dict[str, Any]) -> Controller:
    settings = config.controller
    controller = Controller(
        value=min(max(state["value"], settings.low), settings.high),
        low=settings.low,
        high=settings.high,
        prior_slope=settings.prior_slope * state["first"],
        first=state["first"],
    )
    controller.pairs.extend((error, value) for error, value in state["pairs"])
    return controller


def _validate(
    net: Any,
    pictures: PictureSet,
    config: TrainConfig,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
) -> float | None:
    """Return Recall@1 on the validation classes; None where the data set has none."""
    if not len(pictures):
        return None
    pixels = decode_set(pictures, config.resize, cache_dir, progress)
    embeddings = embed_pictures(net, pixels, config.resize, device)
    return retrieval_figures(embeddings, torch.from_numpy(pictures.labels), (1,)).recall[1]

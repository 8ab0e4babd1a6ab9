"""A run from the first epoch to the figures on the test classes; reads from top to bottom."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from training.checkpoint import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.controller import Controller, restore_controller
from training.datasets import Dataset, PictureSet, Progress
from training.evaluation import embed_pictures
from training.losses import Objective
from training.metrics import retrieval_figures
from training.model import EmbeddingNet, build_model
from training.trainer.epoch import Learner
from training.trainer.measuring import load_pixels, measure_test_classes
from training.trainer.optimizer import build_optimizer
from training.trainer.preparation import Preparation
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
    accepted: Mapping[str, bool] | None = None,
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
        accepted: What `load_dataset` was told to accept; noted.

    Raises:
        SmserveError: The run folder is taken, pictures can't be read, weights can't be had, or the loss is no number.
    """
    going_on = folder.begin(config, dataset.name, resume=resume, accepted=accepted)
    known = folder.evaluation()
    if known is not None:
        return known
    data = load_pixels(dataset.train, config, cache_dir=cache_dir, device=device, progress=progress)
    torch.manual_seed(config.seed)
    net = build_model(config.model).to(device)
    objective = Objective(config.loss, classes=len(dataset.train.class_names), dimension=config.model.dimension)
    objective = objective.to(device)
    optimizer = build_optimizer(net, objective, config)
    learner = Learner(net=net, objective=objective, optimizer=optimizer, data=data, config=config, bar=bar)
    preparation = Preparation(config, data, bar)
    controller: Controller | None = None
    embedded, epoch = 0, 0
    if going_on:
        state = load_checkpoint(folder.checkpoint_file)
        net.load_state_dict(state["net"])
        objective.load_state_dict(state["objective"])
        optimizer.load_state_dict(state["optimizer"])
        controller = restore_controller(config.controller, state["controller"]) if state["controller"] else None
        set_random_state(state["random"], device)
        embedded, epoch = state["embedded"], state["epoch"]

    while not _ended(config, epoch, embedded):
        epoch += 1
        started = time.monotonic()
        left = None if config.max_pictures is None else config.max_pictures - embedded
        prepared = preparation.prepare(net, epoch, controller, left=left)
        controller = prepared.controller
        embedded += prepared.embedded
        mined = prepared.mining_s is not None
        difficulty = controller.value if controller and mined else None
        shown = {} if difficulty is None else {"difficulty": difficulty}
        outcome = learner.train(prepared.plan, epoch, embedded=embedded, shown=shown)
        embedded += outcome.pictures
        steering: Mapping[str, Any] = {}
        if controller is not None and mined:
            ended = _ended(config, epoch, embedded)
            steering, passed = _steer(controller, preparation, net, epoch, outcome.active_share, ended=ended)
            embedded += passed
        record = {
            "epoch": epoch,
            "loss": outcome.loss,
            "pair_loss": outcome.pair_loss,
            "global_loss": outcome.global_loss,
            "active_share": outcome.active_share,
            "mined_active_share": outcome.mined_active_share,
            "difficulty": difficulty,
            "next_difficulty": controller.value if controller else None,
            **steering,
            **prepared.plan.figures,
            **prepared.figures,
            "embedded_pictures": embedded,
            "steps": outcome.steps,
            "pictures_per_s": outcome.pictures / outcome.seconds,
        }
        record["validation_recall_at_1"] = _validate(net, dataset.validation, config, cache_dir, device, progress)
        record["epoch_s"] = time.monotonic() - started
        if prepared.mining_s is not None:
            record["mining_share_of_epoch"] = prepared.mining_s / record["epoch_s"]
        folder.log_epoch(record)
        save_checkpoint(
            {
                "epoch": epoch,
                "net": net.state_dict(),
                "objective": objective.state_dict(),
                "optimizer": optimizer.state_dict(),
                "controller": controller.state() if controller else None,
                "random": get_random_state(device),
                "embedded": embedded,
            },
            folder.checkpoint_file,
        )
        bar.finished_epoch(record, config.epochs)

    figures = measure_test_classes(net, dataset, config, cache_dir=cache_dir, device=device, progress=progress)
    folder.finish(figures)
    return figures


def _ended(config: TrainConfig, epoch: int, embedded: int) -> bool:
    """Whether a run is done after this many epochs and pictures through the network."""
    return epoch >= config.epochs or (config.max_pictures is not None and embedded >= config.max_pictures)


def _steer(
    controller: Controller, preparation: Preparation, net: EmbeddingNet, epoch: int, error: float, *, ended: bool
) -> tuple[Mapping[str, Any], int]:
    """Let the controller set the next difficulty; return what it did, for the log, and the pictures it embedded."""
    if not controller.needs_validation_error:
        return controller.update(error=error).figures(), 0
    if ended:
        return {}, 0  # no epoch follows that is worth a pass over the pictures
    validation_error, passed = preparation.validation_error(net, epoch, controller.value)
    return controller.update(error=error, validation_error=validation_error).figures(), passed


def _validate(
    net: EmbeddingNet,
    pictures: PictureSet,
    config: TrainConfig,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
) -> float | None:
    """Return Recall@1 on the validation classes; None where the data set has none."""
    if not len(pictures):
        return None
    data = load_pixels(pictures, config, cache_dir=cache_dir, device=device, progress=progress)
    embeddings = embed_pictures(net, data.pixels, config.resize)
    return retrieval_figures(embeddings, torch.from_numpy(data.labels), (1,)).recall[1]

"""A run from the first epoch to the figures on the test classes; reads from top to bottom."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from training.config import TrainConfig
from training.datasets import Dataset, PictureSet, Progress
from training.distributed import first_on_its_machine, is_first, once_for_all
from training.evaluation import embed_pictures
from training.losses import Objective
from training.metrics import retrieval_figures
from training.model import ClassScatter, EmbeddingNet, build_model, check_picture_size
from training.tracking import NoTracker, Tracker
from training.trainer.bank import EmbeddingBank
from training.trainer.epoch import EpochOutcome, Learner
from training.trainer.finish import fit_head
from training.trainer.guards import Guards
from training.trainer.keeping import Keeper
from training.trainer.measuring import load_pixels, measure_test_classes
from training.trainer.optimizer import build_optimizer
from training.trainer.preparation import Preparation
from training.trainer.progress import EpochBar
from training.trainer.record import epoch_record
from training.trainer.run_folder import RunFolder
from training.trainer.starts import record_start
from training.trainer.state import RunState, Underway
from training.trainer.tally import Tally

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
    resume_from: Path | None = None,
    accepted: Mapping[str, bool] | None = None,
    tracker: Tracker | None = None,
) -> dict[str, Any]:
    """Train, and return the figures on the test classes after the last epoch.

    With several processes (see `training.distributed`) all of them call this; the first one writes.

    Args:
        config: All settings.
        dataset: Training, validation and test classes.
        folder: Where everything is written.
        cache_dir: Where decoded pictures are kept.
        device: Where to compute.
        bar: Shown while an epoch runs.
        progress: Told how far decoding is.
        resume: Go on from the newest checkpoint; of a finished run, return the figures that it has.
        resume_from: Go on from this checkpoint of the run; what came after it is dropped.
        accepted: What `load_dataset` was told to accept; noted.
        tracker: Told, in the first process, of settings, epochs and figures.

    Raises:
        SmserveError: The run folder is taken, a checkpoint is damaged, pictures can't be read, weights can't be had, or
            it collapsed (`CollapsedRun`).
    """
    resume = resume or resume_from is not None
    document, known = once_for_all(lambda: _begin(config, dataset, folder, resume, resume_from, accepted))
    if known is not None:
        return known
    resumed, file = document is not None, folder.environment_file
    once_for_all(lambda: record_start(file, config, dataset, resumed=resumed, cache_dir=cache_dir, progress=progress))
    with first_on_its_machine():
        data = load_pixels(dataset.train, config, cache_dir=cache_dir, device=device, progress=progress)
    net = _build(config, folder, device, resumed=resumed)
    state = _begin_state(net, config, dataset.train, device, document)
    guards = Guards(config, state.watch, dataset.validation.labels)
    learner = Learner(
        net=net,
        objective=state.objective,
        optimizer=state.optimizer,
        data=data,
        config=config,
        bar=bar,
        guards=guards,
        bank=state.bank,
        scatter=state.scatter,
    )
    preparation = Preparation(config, data, bar)
    keeper = Keeper(folder.checkpoints, config.checkpoint, state.to_dict)
    tracker = _begin_tracking(tracker, folder, state)

    while state.underway is not None or not _ended(config, state):
        started = time.monotonic() - (state.underway.seconds if state.underway else 0)
        if state.underway is None:
            left = None if config.max_pictures is None else config.max_pictures - state.embedded
            prepared = preparation.prepare(net, state.epoch + 1, state.controller, left=left, bank=state.bank)
            state.begin_epoch(prepared, time.monotonic() - started)
        underway = state.underway
        assert underway is not None  # noqa: S101 - for mypy: it has just begun

        def after_step(tally: Tally, underway: Underway = underway, started: float = started) -> None:
            underway.seconds = time.monotonic() - started
            keeper.after_step(state.epoch, tally)

        outcome = learner.train(
            underway.prepared.plan,
            state.epoch,
            embedded=state.embedded,
            shown={} if underway.difficulty is None else {"difficulty": underway.difficulty},
            tally=underway.tally,
            after_step=after_step,
        )
        state.embedded += outcome.pictures
        state.underway = None
        fitted = {}
        if state.scatter is not None and _ended(config, state):
            fitted = {"head_pictures": fit_head(net, state.scatter, config)}
            state.scatter = None  # large, and of no more use: the last checkpoint does without
        steering = _steer(config, state, preparation, outcome) if underway.difficulty is not None else {}
        recalls = _validate(net, dataset.validation, config, cache_dir, device, progress)
        recall = recalls[1]
        record = epoch_record(state, underway, outcome, {**steering, **fitted}, recalls, time.monotonic() - started)
        best = recall is not None and (state.best is None or recall > state.best)
        state.best = recall if best else state.best
        if is_first():
            # Before the checkpoint: an epoch that is cut off between the two runs again, and its line is replaced.
            folder.log_epoch(record)
        tracker.log_epoch(record)
        guards.after_epoch(state.epoch, outcome, recall)  # before the checkpoint: those from before stay
        keeper.after_epoch(state.epoch, best=best)
        bar.finished_epoch(record, config.epochs)

    places: dict[str, Any] = {"cache_dir": cache_dir, "device": device, "progress": progress}
    figures = measure_test_classes(net, dataset, config, shared=True, **places)
    if is_first():
        folder.finish(figures)
    tracker.end(figures)
    return figures


def _begin(
    config: TrainConfig,
    dataset: Dataset,
    folder: RunFolder,
    resume: bool,
    resume_from: Path | None,
    accepted: Mapping[str, bool] | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Open the run's folder; return the checkpoint to go on from and, of a finished run, its figures."""
    going_on = folder.begin(config, dataset.name, resume=resume, accepted=accepted)
    if resume_from is not None:
        document = folder.checkpoints.load(resume_from)
        folder.go_back(resume_from, epoch=document["epoch"] - (document["underway"] is not None))
        return document, None
    known = folder.evaluation()
    return folder.checkpoints.load() if going_on and known is None else None, known


def _begin_tracking(tracker: Tracker | None, folder: RunFolder, state: RunState) -> Tracker:
    """Tell of the run, and return whom to tell of the rest."""
    tracker = tracker if tracker is not None and is_first() else NoTracker()
    tracker.begin(folder.origin(), epoch=state.epoch - (state.underway is not None))
    return tracker


def _build(config: TrainConfig, folder: RunFolder, device: torch.device, *, resumed: bool) -> EmbeddingNet:
    """Return the network, from the run's seed on; where it can't be had, the name of a new run is free again.

    Of a run that goes on the checkpoint has all weights, so the file that they once came from may be gone.
    """
    torch.manual_seed(config.seed)
    model = replace(config.model, weights="none") if resumed else config.model
    with folder.withdrawn_on_failure(writing=is_first() and not resumed):
        net = build_model(model).to(device)
        check_picture_size(net, config.model, config.resize.height, config.resize.width)
    return net


def _begin_state(
    net: EmbeddingNet, config: TrainConfig, pictures: PictureSet, device: torch.device, document: dict[str, Any] | None
) -> RunState:
    """Return where the run stands: at its beginning, or where a checkpoint stopped."""
    objective = Objective(config.loss, classes=len(pictures.class_names), dimension=config.model.dimension)
    objective = objective.to(device)
    state = RunState(net=net, objective=objective, optimizer=build_optimizer(net, objective, config))
    if config.sampler.embeddings == "bank":
        state.bank = EmbeddingBank(len(pictures), config.model.dimension, device)
    if config.finish.head != "trained":
        state.scatter = ClassScatter(len(pictures.class_names), net.head.get_parameter("weight").shape[1])
    if document is not None:
        state.restore(document, config)
    return state


def _ended(config: TrainConfig, state: RunState) -> bool:
    """Whether a run is done after the epochs that have ended and the pictures through the network."""
    return state.epoch >= config.epochs or (config.max_pictures is not None and state.embedded >= config.max_pictures)


def _steer(config: TrainConfig, state: RunState, preparation: Preparation, outcome: EpochOutcome) -> Mapping[str, Any]:
    """Let the controller set the next difficulty; return what it did, for the log."""
    controller = state.controller
    if controller is None:
        return {}
    error = outcome.active_share
    if config.controller.error_of == "mined" and outcome.mined_active_share is not None:
        error = outcome.mined_active_share
    if not controller.needs_validation_error:
        return controller.update(error=error).figures()
    if _ended(config, state):
        return {}  # no epoch follows that is worth a pass over the pictures
    validation_error, passed = preparation.validation_error(state.net, state.epoch, controller.value)
    state.embedded += passed
    return controller.update(error=error, validation_error=validation_error).figures()


def _validate(
    net: EmbeddingNet,
    pictures: PictureSet,
    config: TrainConfig,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
) -> Mapping[int, float | None]:
    """Return K -> Recall@K on the validation classes, K = 1 at least; that is None where the data set has none."""
    if not len(pictures):
        return {1: None}
    with first_on_its_machine():
        data = load_pixels(pictures, config, cache_dir=cache_dir, device=device, progress=progress)
    embeddings = embed_pictures(net, data.pixels, config.resize, shared=True)
    ks = sorted({1, *config.recall_at})
    return once_for_all(lambda: retrieval_figures(embeddings, torch.from_numpy(data.labels), ks).recall)

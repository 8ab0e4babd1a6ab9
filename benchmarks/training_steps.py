"""Times training steps of the emoji recipe, on whichever `training` Python finds: `python training_steps.py STEPS`.

For each line on standard input it trains on some batches of made-up pictures and prints their pictures a second. It
imports nothing of benchmarks/, so it runs on an older checkout of training too.
"""

import io
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console

from training.config import TrainConfig
from training.evaluation import LabelledPixels
from training.losses import Objective
from training.model import EmbeddingNet, build_model
from training.pixel_store import PixelStore
from training.recipes import find_recipe
from training.samplers import Plan, build_sampler
from training.trainer.epoch import Learner
from training.trainer.optimizer import build_optimizer
from training.trainer.progress import EpochBar

__all__ = ["build_learner", "plans_of"]

_CLASSES, _PER_CLASS = 300, 4


def build_learner(recipe: str, device: torch.device) -> Learner:
    """Return what learns by a recipe from noise, 1,200 pictures of 300 classes."""
    config: TrainConfig = find_recipe(recipe, recipe)
    config = replace(config, epochs=1000)  # a schedule that ends would learn nothing
    side = config.resize.size
    pixels = np.random.default_rng(0).integers(0, 256, (_CLASSES * _PER_CLASS, side, side, 3), np.uint8)
    labels = np.repeat(np.arange(_CLASSES), _PER_CLASS)
    torch.manual_seed(0)
    net: EmbeddingNet = build_model(config.model).to(device)
    objective = Objective(config.loss, classes=_CLASSES, dimension=config.model.dimension).to(device)
    return Learner(
        net=net,
        objective=objective,
        optimizer=build_optimizer(net, objective, config),
        data=LabelledPixels(pixels=PixelStore(pixels, device), labels=labels),
        config=config,
        bar=EpochBar(Console(file=io.StringIO())),
    )


def plans_of(learner: Learner, steps: int) -> Iterator[Plan]:
    """Yield plans of so many batches each, without end."""
    sampler = build_sampler(learner.config.sampler, learner.data.labels)
    random = np.random.default_rng(0)
    while True:
        batches = [batch for _ in range(steps) for batch in sampler.plan(None, 0.0, random).batches[:1]]
        yield Plan(batches=batches)


def _main(steps: int) -> None:
    learner = build_learner("emoji", torch.device("cpu"))
    plans = plans_of(learner, steps)
    for number, _ in enumerate(sys.stdin, 1):
        outcome = learner.train(next(plans), number, embedded=0, shown={})
        print(outcome.pictures / outcome.seconds, flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))

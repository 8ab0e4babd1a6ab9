"""Optimiser and learning-rate schedule."""

import math
from typing import Any

from torch.optim import SGD, AdamW, Optimizer

from training.config import TrainConfig
from training.losses import Objective
from training.model import EmbeddingNet

__all__ = ["build_optimizer", "set_learning_rate"]


def build_optimizer(net: EmbeddingNet, objective: Objective, config: TrainConfig) -> Optimizer:
    """Return an optimiser over what is not frozen.

    The head learns `optimizer.head_factor` times as fast as the backbone, and what a loss learns (proxies, say)
    `loss.parameter_factor` times as fast, without weight decay.
    """
    settings = config.optimizer
    trained = [weight for weight in net.backbone.parameters() if weight.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in trained if weight.ndim > 1], "factor": 1.0},
        {"params": [weight for weight in trained if weight.ndim <= 1], "factor": 1.0},
        {"params": list(net.head.parameters()), "factor": settings.head_factor},
    ]
    of_loss = list(objective.parameters())
    if of_loss:
        groups.append({"params": of_loss, "factor": config.loss.parameter_factor, "weight_decay": 0.0})
    for group in groups:
        group["lr"] = settings.learning_rate * group["factor"]
    if settings.kind == "adamw":
        groups[1]["weight_decay"] = 0.0
        betas = (0.9, 0.99)
        return AdamW(groups, lr=settings.learning_rate, betas=betas, weight_decay=settings.weight_decay, fused=True)
    return SGD(groups, lr=settings.learning_rate, momentum=0.9, weight_decay=settings.weight_decay, fused=True)


def set_learning_rate(optimizer: Optimizer, config: TrainConfig, *, step: int, progress: float, epoch: int) -> float:
    """Set and return the backbone's learning rate.

    Args:
        optimizer: From `build_optimizer`.
        config: Its schedule.
        step: Counted from 0 over the run.
        progress: How much of the run is done, in [0, 1].
        epoch: Counted from 1.
    """
    settings = config.optimizer
    rate = settings.learning_rate
    if settings.schedule == "halve":
        rate *= 0.5 ** ((epoch - 1) // settings.halve_every)
    else:
        rate *= 0.5 * (1 + math.cos(math.pi * progress))
    if settings.warmup_steps:
        rate *= min(1.0, (step + 1) / settings.warmup_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    return rate

"""Optimiser and learning-rate schedule."""

import math

from torch.optim import SGD, AdamW, Optimizer

from training.config import OptimizerConfig
from training.model import EmbeddingNet

__all__ = ["build_optimizer", "set_learning_rate"]


def build_optimizer(net: EmbeddingNet, config: OptimizerConfig) -> Optimizer:
    """Return an optimiser over what is not frozen; the head learns `head_factor` times as fast."""
    trained = [weight for weight in net.backbone.parameters() if weight.requires_grad]
    head = list(net.head.parameters())
    groups = [
        {"params": [weight for weight in trained if weight.ndim > 1], "factor": 1.0},
        {"params": [weight for weight in trained if weight.ndim <= 1], "factor": 1.0},
        {"params": head, "factor": config.head_factor},
    ]
    for group in groups:
        group["lr"] = config.learning_rate * group["factor"]  # type: ignore[operator] # a float in each
    if config.kind == "adamw":
        groups[1]["weight_decay"] = 0.0
        return AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay)
    return SGD(groups, lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay)


def set_learning_rate(optimizer: Optimizer, config: OptimizerConfig, *, step: int, steps: int, epoch: int) -> float:
    """Set and return the backbone's learning rate for a step, counted from 0, of `steps`; epochs count from 1."""
    rate = config.learning_rate
    if config.schedule == "halve":
        rate *= 0.5 ** ((epoch - 1) // config.halve_every)
    else:
        rate *= 0.5 * (1 + math.cos(math.pi * step / steps))
    if config.warmup_steps:
        rate *= min(1.0, (step + 1) / config.warmup_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    return rate

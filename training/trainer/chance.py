"""Every source of chance, set before each step to what seed, epoch and step decide.

So a run that goes on draws what it would have drawn, without a state to keep: layers that drop at random, losses that
draw. Plans and augmentation have generators of their own, seeded in the same way.
"""

import random

import numpy as np
import torch

__all__ = ["seed_everything"]


def seed_everything(device: torch.device, *parts: int) -> None:
    """Set torch's generators on the CPU and the device, numpy's global one and Python's by whole numbers from 0."""
    seed = int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would also queue a call for CUDA's, each step
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - for libraries that draw from numpy's old global generator
    random.seed(seed)

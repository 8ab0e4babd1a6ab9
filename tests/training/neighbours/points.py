"""Points for tests of neighbour search."""

import numpy as np
import torch
from torch import Tensor


def clustered(count: int, classes: int = 10, dimension: int = 8) -> tuple[Tensor, Tensor]:
    """Return unit vectors (N, D) round the centres of classes that overlap, and the classes (N,)."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    points = random.normal(size=(classes, dimension))[labels] + 0.6 * random.normal(size=(count, dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(labels)

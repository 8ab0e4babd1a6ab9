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


def about_one_direction(total: int, dimension: int, spread: float, seed: int = 0) -> torch.Tensor:
    """Return unit vectors (N, D) about one direction; the smaller the spread, the closer together."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.nn.functional.normalize(torch.randn(dimension, generator=generator), dim=0)
    noise = torch.randn((total, dimension), generator=generator) / dimension**0.5
    return torch.nn.functional.normalize(centre + spread * noise, dim=1)

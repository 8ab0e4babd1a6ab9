"""Made-up embeddings: unit vectors about a centre for each class."""

import torch
from torch import Tensor

__all__ = ["clustered_embeddings"]


def clustered_embeddings(pictures: int, classes: int, dimension: int, *, spread: float) -> tuple[Tensor, Tensor]:
    """Return embeddings (N, D), unit norm, and labels (N,) in no order, at least one picture a class.

    Args:
        pictures: N.
        classes: Number of classes.
        dimension: D.
        spread: Length of what is added to a class's centre, whose length is 1.
    """
    generator = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn((classes, dimension), generator=generator), dim=1)
    labels = torch.cat([torch.arange(classes), torch.randint(classes, (pictures - classes,), generator=generator)])
    labels = labels[torch.randperm(pictures, generator=generator)]
    embeddings = torch.randn((pictures, dimension), generator=generator).mul_(spread / dimension**0.5)
    for start in range(0, pictures, 4096):
        rows = slice(start, start + 4096)
        embeddings[rows] = torch.nn.functional.normalize(embeddings[rows] + centres[labels[rows]], dim=1)
    return embeddings, labels

"""Every picture's nearest pictures, by exact search: a tiled matrix product and top-k."""

import torch
from torch import Tensor

__all__ = ["nearest_neighbours"]

_TILE_ELEMENTS = 2**25  # cosines held at a time: 128 MiB


def nearest_neighbours(embeddings: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return each row's nearest other rows.

    Args:
        embeddings: (N, D) float32, unit norm, on any device.
        count: k; at most N - 1 come back.

    Returns:
        Indices (N, k) int64 and squared distances (N, k) float32, ascending; equal distances by index. On the CPU.
    """
    total = len(embeddings)
    count = min(count, total - 1)
    rows = max(1, _TILE_ELEMENTS // max(1, total))
    indices = torch.empty((total, count), dtype=torch.int64)
    distances = torch.empty((total, count), dtype=torch.float32)
    for start in range(0, total, rows):
        tile = embeddings[start : start + rows] @ embeddings.T  # (rows, N) cosines
        own = torch.arange(len(tile), device=tile.device)
        tile[own, own + start] = -torch.inf
        top = tile.topk(count, dim=1)
        # topk leaves the order of equal values open: sort by index, then, stably, by distance.
        by_index = top.indices.argsort(1)
        values = top.values.gather(1, by_index)
        order = values.argsort(dim=1, descending=True, stable=True)
        indices[start : start + rows] = top.indices.gather(1, by_index).gather(1, order).cpu()
        distances[start : start + rows] = (2 - 2 * values.gather(1, order)).clamp_min(0).cpu()
    return indices, distances

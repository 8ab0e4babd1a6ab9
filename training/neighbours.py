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
    count = max(0, min(count, total - 1))
    rows = max(1, _TILE_ELEMENTS // max(1, total))
    indices = torch.empty((total, count), dtype=torch.int64)
    distances = torch.empty((total, count), dtype=torch.float32)
    for start in range(0, total, rows):
        tile = embeddings[start : start + rows] @ embeddings.T  # (rows, N) cosines
        own = torch.arange(len(tile), device=tile.device)
        tile[own, own + start] = -torch.inf
        values, found = _largest(tile, count)
        indices[start : start + rows] = found.cpu()
        distances[start : start + rows] = (2 - 2 * values).clamp_min(0).cpu()
    return indices, distances


def _largest(cosines: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` largest values of each row and their columns; of equal values the first columns."""
    top = cosines.topk(min(count + 1, cosines.shape[1]), dim=1)
    # topk leaves the order of equal values open: sort by column, then, stably, by value.
    by_column = top.indices[:, :count].argsort(1)
    values = top.values[:, :count].gather(1, by_column)
    order = values.argsort(dim=1, descending=True, stable=True)
    values = values.gather(1, order)
    columns = top.indices[:, :count].gather(1, by_column).gather(1, order)
    if 0 < count < top.values.shape[1]:
        # It also leaves open which of several equal values come in last; rare, so those rows are sorted whole.
        tied = (top.values[:, count - 1] == top.values[:, count]).nonzero().squeeze(1)
        if len(tied):
            whole = cosines[tied].sort(dim=1, descending=True, stable=True)
            values[tied], columns[tied] = whole.values[:, :count], whole.indices[:, :count]
    return values, columns

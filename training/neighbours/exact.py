"""Every picture's nearest pictures, by exact search: a tiled matrix product and top-k."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from smserve.errors import InvalidInput
from training.neighbours.parallel import in_order
from training.neighbours.rounded_search import RoundedSearch
from training.neighbours.shortlist import largest

__all__ = ["NeighbourTile", "nearest_neighbours", "neighbour_tiles"]

_TILE_ELEMENTS = 2**24  # cosines held at a time: 64 MiB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighbourTile:
    """The nearest of some queries that follow each other.

    Attributes:
        start: The first query.
        indices: (rows, k) int64.
        distances: (rows, k) float32, squared, ascending.
    """

    start: int
    indices: Tensor
    distances: Tensor


def nearest_neighbours(embeddings: Tensor, count: int, *, gallery: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return each row's nearest other rows, or its nearest of a gallery.

    Args:
        embeddings: (N, D) float32, unit norm, on any device.
        count: k; at most N - 1 come back, or K of a gallery.
        gallery: (K, D) what the rows ask, on the same device. None: each other, and no row finds itself.

    Returns:
        Indices (N, k) int64 and squared distances (N, k) float32, ascending; equal distances by index. On the CPU.

    Raises:
        InvalidInput: The lengths of the vectors differ.
    """
    tiles = neighbour_tiles(embeddings, count, gallery=gallery)
    count = _listed(embeddings, count, gallery)
    indices = torch.empty((len(embeddings), count), dtype=torch.int64)
    distances = torch.empty((len(embeddings), count), dtype=torch.float32)
    for tile in tiles:
        rows = slice(tile.start, tile.start + len(tile.indices))
        indices[rows], distances[rows] = tile.indices.cpu(), tile.distances.cpu()
    return indices, distances


def neighbour_tiles(
    embeddings: Tensor, count: int, *, gallery: Tensor | None = None, share: tuple[int, int] = (0, 1)
) -> Iterator[NeighbourTile]:
    """Return what `nearest_neighbours` does in parts, some rows at a time, on the device of the embeddings.

    A part never takes more than a fixed number of cosines, however many pictures there are. Of several processes each
    may ask for a `share`, its number from 0 and how many there are; together they are what one would find.
    """
    if gallery is not None and gallery.shape[1] != embeddings.shape[1]:
        raise InvalidInput(
            f"gallery has D={gallery.shape[1]}, queries have D={embeddings.shape[1]}; embed both with one model",
            field="gallery",
        )
    queries = embeddings.detach().float()
    asked = queries if gallery is None else gallery.detach().float()
    return _tiles(queries, asked, _listed(embeddings, count, gallery), alone=gallery is not None, share=share)


def _listed(embeddings: Tensor, count: int, gallery: Tensor | None) -> int:
    return max(0, min(count, len(embeddings) - 1 if gallery is None else len(gallery)))


def _tiles(
    queries: Tensor, gallery: Tensor, count: int, *, alone: bool, share: tuple[int, int]
) -> Iterator[NeighbourTile]:
    rows = max(1, _TILE_ELEMENTS // max(1, len(gallery)))
    rounded = RoundedSearch.if_worthwhile(queries, gallery, count, rows)

    def tile_at(start: int) -> NeighbourTile:
        tile = queries[start : start + rows]
        own = None if alone else torch.arange(start, start + len(tile), device=tile.device)
        if rounded is None:
            cosines, indices = _by_products(tile, gallery, count, own)
        else:
            cosines, indices, proven = rounded.find(start)
            doubtful = (~proven).nonzero().squeeze(1)
            if len(doubtful):
                left_out = None if own is None else own[doubtful]
                cosines[doubtful], indices[doubtful] = _by_products(tile[doubtful], gallery, count, left_out)
        return NeighbourTile(start=start, indices=indices, distances=(2 - 2 * cosines).clamp_min(0))

    starts = range(0, len(queries), rows)[share[0] :: share[1]]
    return in_order(tile_at, starts) if queries.device.type == "cpu" else map(tile_at, starts)


def _by_products(queries: Tensor, gallery: Tensor, count: int, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return cosines and indices (rows, k) by float32 products; `own` (rows,) is what each query leaves out."""
    if count == 0:
        return queries.new_empty((len(queries), 0)), torch.empty((len(queries), 0), dtype=torch.int64)
    cosines = queries @ gallery.T
    if own is not None:
        cosines[torch.arange(len(own), device=own.device), own] = -torch.inf
    return largest(cosines, count)

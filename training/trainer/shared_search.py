"""Exact neighbours of the training set, each process searching for a share of the pictures."""

import torch
import torch.distributed as dist
from torch import Tensor

from training.distributed import is_first, process_count, process_rank
from training.neighbours import nearest_neighbours
from training.neighbours.exact import neighbour_tiles
from training.samplers import Neighbours

__all__ = ["shared_neighbours"]


def shared_neighbours(embeddings: Tensor, count: int) -> Neighbours | None:
    """Return the lists of all pictures in the first process, None in the others; all of them must call this.

    Args:
        embeddings: (N, D), the same in all processes.
        count: k.
    """
    if process_count() == 1:
        return Neighbours.of(*nearest_neighbours(embeddings, count))
    share = (process_rank(), process_count())
    own = [
        (tile.start, tile.indices.cpu(), tile.distances.cpu())
        for tile in neighbour_tiles(embeddings, count, share=share)
    ]
    gathered: list[list[tuple[int, Tensor, Tensor]]] | None = (
        [[] for _ in range(process_count())] if is_first() else None
    )
    dist.gather_object(own, gathered, dst=0)
    if gathered is None:
        return None
    tiles = sorted((tile for part in gathered for tile in part), key=lambda tile: tile[0])
    return Neighbours.of(torch.cat([tile[1] for tile in tiles]), torch.cat([tile[2] for tile in tiles]))

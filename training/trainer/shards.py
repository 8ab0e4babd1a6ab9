"""A batch over several processes: each embeds a part, and all compute the loss of the whole.

Every process has the embeddings of all, as numbers, and its own with their gradient. The gradient of the whole loss
reaches the network through each process's own part; DistributedDataParallel then takes the mean over processes where
the sum is wanted, so it is multiplied by their number on the way. The losses' statistics are those of the whole batch.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.distributed import gather_rows, process_count, process_rank

__all__ = ["gather_embeddings", "own_part"]


def own_part(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what this process embeds of a batch (B,): parts of one length, filled up with the batch's last picture."""
    length = _length(len(indices))
    start = process_rank() * length
    places = np.minimum(np.arange(start, start + length), len(indices) - 1)
    return indices[places]


def gather_embeddings(own: Tensor, count: int) -> Tensor:
    """Return the embeddings (B, D) of a whole batch.

    Args:
        own: (ceil(B / processes), D) of `own_part`.
        count: B.
    """
    if process_count() == 1:
        return own
    own = own.float()
    together = gather_rows(own).flatten(0, 1)  # (processes * R, D)
    if own.requires_grad:
        own.register_hook(lambda slope: slope * process_count())  # type: ignore[no-untyped-call] # torch ships none
    start = process_rank() * len(own)
    return torch.cat([together[:start], own, together[start + len(own) :]])[:count]


def _length(count: int) -> int:
    return -(-count // process_count())

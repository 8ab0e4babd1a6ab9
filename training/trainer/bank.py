"""The bank: each training picture's latest embedding, kept from the batches that it was trained in.

Neighbours searched in it cost no pass over the training set. Its embeddings are as old as each picture's last batch,
and of pictures as augmentation varied them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["EmbeddingBank"]


class EmbeddingBank:
    """Embeddings (N, D) of all training pictures by their index, and the epoch that each was embedded in.

    With several processes each holds the same one: every process has the embeddings of a whole batch.
    """

    def __init__(self, pictures: int, dimension: int, device: torch.device) -> None:
        """Begin without any embedding."""
        self._embeddings = torch.zeros((pictures, dimension), device=device)
        self._epochs = np.zeros(pictures, np.int64)  # 0: not embedded yet

    def __len__(self) -> int:
        return len(self._epochs)

    def store(self, indices: NDArray[np.int64], embeddings: Tensor, epoch: int) -> None:
        """Keep the embeddings (B, D) of pictures (B,), each once, in place of their earlier ones.

        Args:
            indices: Of the training set.
            embeddings: Unit norm, on the bank's device.
            epoch: Counted from 1.
        """
        self._embeddings[torch.from_numpy(indices).to(self._embeddings.device)] = embeddings.detach().float()
        self._epochs[indices] = epoch

    def missing(self) -> NDArray[np.int64]:
        """Return the pictures (M,) that have no embedding yet, ascending."""
        return np.flatnonzero(self._epochs == 0)

    def embeddings(self) -> Tensor:
        """Return a copy of all of them, (N, D); a row of zeros where a picture has none yet."""
        return self._embeddings.clone()

    def share_since(self, epoch: int) -> float:
        """Return the share of pictures that were embedded in an epoch or later."""
        return float((self._epochs >= epoch).mean())

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"embeddings": self._embeddings.cpu(), "epochs": torch.from_numpy(self._epochs)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Hold what the bank whose `state()` this was held; another document is a KeyError, TypeError or ValueError."""
        if state["embeddings"].shape != self._embeddings.shape or len(state["epochs"]) != len(self):
            wanted = tuple(self._embeddings.shape)
            raise ValueError(f"its bank has shape {tuple(state['embeddings'].shape)}, this run's {wanted}")
        self._embeddings.copy_(state["embeddings"])
        self._epochs[:] = state["epochs"].numpy()

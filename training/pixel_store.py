"""Decoded pictures, where a device reaches them fastest: in its own memory when all fit, else mapped from disk."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["PixelStore"]

_LARGEST_SHARE = 0.5  # of the free device memory; the network and its gradients need the rest


class PixelStore:
    """Hands out batches of pictures on a device.

    Attributes:
        device: Where the batches are.
        resident: Whether all pictures are in the device's own memory.
    """

    def __init__(self, pixels: NDArray[np.uint8], device: torch.device, *, free_bytes: int | None = None) -> None:
        """Take pictures (N, S, S, 3), and copy them to the device if they take at most half of its free memory.

        Args:
            pixels: As `training.datasets.decode_set` gives them; may be a read-only map.
            device: Where to compute. On the CPU nothing is copied: the map is as good.
            free_bytes: Of the device; asked from CUDA by default.
        """
        self.device = device
        if free_bytes is None:
            free_bytes = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
        self.resident = 0 < pixels.nbytes <= _LARGEST_SHARE * free_bytes
        self._on_device = torch.from_numpy(np.array(pixels)).to(device) if self.resident else None
        self._mapped = pixels

    def __len__(self) -> int:
        return len(self._mapped)

    def take(self, indices: NDArray[np.int64]) -> Tensor:
        """Return the pictures (B, S, S, 3) uint8 of indices (B,), on the device."""
        if self._on_device is not None:
            return self._on_device[torch.from_numpy(indices).to(self.device)]
        return torch.from_numpy(self._mapped[indices]).to(self.device)

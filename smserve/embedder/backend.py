"""What runs a network: the interface that each runtime implements."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smserve.types import FloatArray

__all__ = ["Backend", "Signature", "TensorType"]


class TensorType(NamedTuple):
    """Of an input or output of a network.

    Attributes:
        dtype: As NumPy names it, where NumPy has it.
        shape: None for a size that is free.
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ("N" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} ({', '.join(sizes)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a network takes and gives, by name."""

    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]

    def __str__(self) -> str:
        sides = (", ".join(f"{name} {kind}" for name, kind in side.items()) for side in (self.inputs, self.outputs))
        return " to ".join(side or "nothing" for side in sides)


class Backend(ABC):
    """A network that is ready to run; safe to call from many threads."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it runs on, for people: "CPUExecutionProvider", "OpenVINO CPU bfloat16"."""

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """What the file's graph takes and gives."""

    @property
    @abstractmethod
    def metadata(self) -> Mapping[str, str]:
        """The file's `metadata_props`."""

    @abstractmethod
    def run(self, pixels: NDArray[np.uint8]) -> FloatArray:
        """Return embeddings (N, D) float32 of pictures (N, H, W, 3) uint8, N at least 1."""

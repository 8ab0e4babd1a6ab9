"""The state of a run after a finished epoch, written whole or not at all."""

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from smserve.errors import DataLoss, NotFound

__all__ = ["load_checkpoint", "save_checkpoint"]

Checkpoint = dict[str, Any]


def save_checkpoint(state: Checkpoint, path: Path) -> None:
    """Write tensors and plain values; an older file of that name stays until the new one is safe on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint to the CPU; nothing in it is executed.

    Raises:
        NotFound: There is none.
        DataLoss: It is damaged.
    """
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise NotFound(f"there is no checkpoint {path}; the run has not finished an epoch, so train it again") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataLoss(f"checkpoint {path} is damaged ({reason}); remove the run and train again") from None

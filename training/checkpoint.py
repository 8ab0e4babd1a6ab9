"""The state of a run in a file that is written whole or not at all, and whose name tells its checksum.

A name ends in the first 16 digits of the file's SHA-256, as torch.hub has it, so `sha256sum` can check it as well, and
`torch.load` reads it.
"""

import hashlib
import io
import pickle
import re
from pathlib import Path
from typing import Any, Final

import torch

from smserve.errors import DataLoss, NotFound, SmserveError
from training.durable import write_whole

__all__ = ["CHECKSUM", "Checkpoint", "load_checkpoint", "save_checkpoint"]

Checkpoint = dict[str, Any]

CHECKSUM: Final = r"([0-9a-f]{16})\.pt"
"""What a checkpoint's name ends in, as a pattern."""


def save_checkpoint(state: Checkpoint, folder: Path, name: str) -> Path:
    """Write tensors and plain values, and return the file, `folder/<name>-<checksum>.pt`.

    Raises:
        SmserveError: The file can't be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    path = folder / f"{name}-{_checksum(data)}.pt"
    try:
        write_whole(path, data)
    except OSError as error:
        raise SmserveError(
            f"checkpoint {path} of {len(data):,} bytes can't be written ({error.strerror}); make room or see that the "
            f"folder can be written, and go on with --resume"
        ) from None
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint to the CPU; nothing in it is executed.

    Raises:
        NotFound: There is none.
        DataLoss: It is damaged.
    """
    named = re.search(f"-{CHECKSUM}$", path.name)
    try:
        data = path.read_bytes()
        if named is None:
            raise ValueError("its name ends in no checksum, so it is none of a run")
        if _checksum(data) != named[1]:
            raise ValueError(f"its SHA-256 begins with {_checksum(data)}, its name says {named[1]}")
        return dict(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise NotFound(f"there is no checkpoint {path}; check the path") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataLoss(f"checkpoint {path} is damaged ({reason})") from None


def _checksum(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:16]

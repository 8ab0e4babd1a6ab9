"""Decode a split once, into a memory-mapped array that later runs reuse."""

import contextlib
import hashlib
import json
import math
import os
from functools import partial as bind
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidImage, InvalidInput, SmserveError
from smserve.images import ResizeRule, decode_for, resize_stage
from training.datasets.pictures import PictureSet
from training.datasets.progress import Progress, silent
from training.threads import map_in_threads

__all__ = ["cache_file", "decode_set"]

_FORMAT = 1  # counts up when decoding changes, so that old caches are not read
_MAX_NAMED = 10
_WAITING_BYTES = 1 << 24  # of decoded pictures that wait to be written; more where one a core takes more


def cache_file(picture_set: PictureSet, rule: ResizeRule, cache_dir: Path) -> Path:
    """Return where a split's pixels are kept; the name is a hash of what decides them.

    That is the files by path, size and time of change, and the part of the rule that is used; a crop is none of it.
    """
    folders: dict[Path, str] = {}
    sources = []
    for path in picture_set.paths:
        if path.parent not in folders:
            folders[path.parent] = str(path.parent.resolve())
        name = f"{folders[path.parent]}/{path.name}"
        try:
            status = path.stat()
            sources.append([name, status.st_size, status.st_mtime_ns])
        except OSError:
            sources.append([name, -1, -1])  # decoding names it
    used = {name: value for name, value in rule.to_dict().items() if name not in {"height", "width"}}
    document = {"format": _FORMAT, **used, "sources": sources}
    return cache_dir / f"{hashlib.sha256(json.dumps(document).encode()).hexdigest()}.npy"


def decode_set(
    picture_set: PictureSet, rule: ResizeRule, cache_dir: Path, progress: Progress = silent
) -> NDArray[np.uint8]:
    """Return all pictures as (N, S, S, 3) uint8 with S = `rule.size`, memory-mapped and read-only.

    The array is kept in `cache_file`; a changed picture or rule makes another one, and one that is damaged is made
    anew. Memory holds a few pictures at a time, whatever N is.

    Raises:
        InvalidInput: Some pictures can't be read; the message names the first ten, all are counted.
        SmserveError: The cache can't be written.
    """
    shape = (len(picture_set), rule.size, rule.size, 3)
    if not len(picture_set):
        return np.zeros(shape, np.uint8)
    cached = cache_file(picture_set, rule, cache_dir)
    partial = cached.with_suffix(f".{os.getpid()}.partial")
    try:
        pixels = _open(cached, shape)
        if pixels is None:
            cache_dir.mkdir(parents=True, exist_ok=True)
            _decode_all(picture_set, rule, partial, shape, progress)
            partial.replace(cached)
            pixels = np.lib.format.open_memmap(cached, mode="r")
    except OSError as error:
        raise SmserveError(
            f"{math.prod(shape):,} bytes of pixels can't be kept in {cache_dir} ({error.strerror}); "
            f"see that the folder can be written and has room"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return pixels


def _open(cached: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """Return the pixels kept; None where there are none, or the file is cut short or otherwise not what was written."""
    try:
        pixels: NDArray[np.uint8] = np.lib.format.open_memmap(cached, mode="r")
    except (FileNotFoundError, ValueError):  # ValueError: no header, or fewer bytes than the header says
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None


def _decode_all(
    picture_set: PictureSet, rule: ResizeRule, output: Path, shape: tuple[int, ...], progress: Progress
) -> None:
    """Write a .npy file, picture by picture."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    cores = os.cpu_count() or 1
    most_waiting = max(cores, min(4 * cores, _WAITING_BYTES // math.prod(shape[1:])))
    problems = []
    with output.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, file.tell() + math.prod(shape))  # a full disk is told at once
        decoded = map_in_threads(bind(_decode_file, rule=rule), picture_set.paths, most_waiting=most_waiting)
        for done, outcome in enumerate(decoded, start=1):
            if isinstance(outcome, str):
                problems.append(outcome)
            elif not problems:
                file.write(outcome.data)
            progress(f"decoding {picture_set.name}", done, shape[0])
        file.flush()
        os.fsync(file.fileno())  # before it gets its name: a power cut must not leave a file of zeros
    if problems:
        rest = f"\n  and {len(problems) - _MAX_NAMED} more" if len(problems) > _MAX_NAMED else ""
        raise InvalidInput(
            f"{len(problems)} of {shape[0]} pictures of {picture_set.name} can't be read; repair or remove them:\n  "
            + "\n  ".join(problems[:_MAX_NAMED])
            + rest,
            field="paths",
        )


def _decode_file(path: Path, rule: ResizeRule) -> NDArray[np.uint8] | str:
    """Return the picture's pixels (S, S, 3), or why it can't be read."""
    try:
        return np.ascontiguousarray(resize_stage(decode_for(path.read_bytes(), rule), rule))
    except InvalidImage as error:
        return f"{path}: {error.message}"
    except OSError as error:
        return f"{path}: {error.strerror}"

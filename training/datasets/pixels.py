"""Decode a split once, into a memory-mapped array that later runs reuse."""

import contextlib
import hashlib
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidImage, InvalidInput, SmserveError
from smserve.images import ResizeRule, decode, resize_stage
from training.datasets.pictures import PictureSet
from training.datasets.progress import Progress, silent

__all__ = ["decode_set"]

_FORMAT = 1  # counts up when decoding changes, so that old caches are not read
_MAX_NAMED = 10


def _cache_key(picture_set: PictureSet, rule: ResizeRule) -> str:
    """Hash what decides the pixels: the files by path, size and time of change, and the part of the rule used."""
    sources = []
    for path in picture_set.paths:
        try:
            status = path.stat()
            sources.append([str(path.resolve()), status.st_size, status.st_mtime_ns])
        except OSError:
            sources.append([str(path), -1, -1])  # decoding names it
    document = {"format": _FORMAT, "mode": rule.mode, "size": rule.size, "sources": sources}
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _decode_file(path: Path, rule: ResizeRule, into: NDArray[np.uint8]) -> str | None:
    """Write the picture's pixels `into` (S, S, 3); return why it could not be read, or None."""
    try:
        into[...] = resize_stage(decode(path.read_bytes()), rule)
    except InvalidImage as error:
        return f"{path}: {error.message}"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None


def decode_set(
    picture_set: PictureSet, rule: ResizeRule, cache_dir: Path, progress: Progress = silent
) -> NDArray[np.uint8]:
    """Return all pictures as (N, S, S, 3) uint8 with S = `rule.size`, memory-mapped and read-only.

    The array is kept as `cache_dir/<hash of sources and rule>.npy`; a changed file or rule makes another one.

    Raises:
        InvalidInput: Some pictures can't be read; the message names the first ten, all are counted.
        SmserveError: The cache can't be written.
    """
    shape = (len(picture_set), rule.size, rule.size, 3)
    if not len(picture_set):
        return np.zeros(shape, np.uint8)
    cached = cache_dir / f"{_cache_key(picture_set, rule)}.npy"
    if not cached.exists():
        partial = cached.with_suffix(f".{os.getpid()}.partial")
        try:
            cache_dir.mkdir(parents=True, exist_ok=True)
            _decode_all(picture_set, rule, partial, shape, progress)
            partial.replace(cached)
        except OSError as error:
            raise SmserveError(
                f"{math.prod(shape):,} bytes of pixels can't be kept in {cache_dir} ({error.strerror}); "
                f"see that the folder can be written and has room"
            ) from None
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()
    pixels: NDArray[np.uint8] = np.load(cached, mmap_mode="r")
    return pixels


def _decode_all(
    picture_set: PictureSet, rule: ResizeRule, output: Path, shape: tuple[int, ...], progress: Progress
) -> None:
    pixels = np.lib.format.open_memmap(output, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with output.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, output.stat().st_size)  # a full disk is an error here, a crash later
    problems = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        outcomes = threads.map(
            lambda job: _decode_file(job[0], rule, job[1]), zip(picture_set.paths, pixels, strict=True)
        )
        for done, problem in enumerate(outcomes, start=1):
            if problem is not None:
                problems.append(problem)
            progress(f"decoding {picture_set.name}", done, shape[0])
    pixels.flush()
    if problems:
        rest = f"\n  and {len(problems) - _MAX_NAMED} more" if len(problems) > _MAX_NAMED else ""
        raise InvalidInput(
            f"{len(problems)} of {shape[0]} pictures of {picture_set.name} can't be read; repair or remove them:\n  "
            + "\n  ".join(problems[:_MAX_NAMED])
            + rest,
            field="paths",
        )

"""The checkpoints of a run: the last few, and beside them the one that was best on the validation classes.

checkpoints/
  epoch-0003-step-000120-<checksum>.pt   in the midst of epoch 3
  epoch-0003-<checksum>.pt               after it
  best-epoch-0002-<checksum>.pt          a copy of the one with the highest validation Recall@1
"""

import contextlib
import re
import sys
from pathlib import Path
from typing import Final

from smserve.errors import DataLoss, NotFound
from training.checkpoint import CHECKSUM, Checkpoint, load_checkpoint, save_checkpoint
from training.durable import write_whole

__all__ = ["Checkpoints"]

_NAME: Final = re.compile(rf"epoch-(\d+)(?:-step-(\d+))?-{CHECKSUM}")


class Checkpoints:
    """A folder of checkpoints; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def kept(self) -> list[Path]:
        """Return the checkpoints of which the newest is gone on from, oldest first."""
        found = [path for path in self.path.glob("epoch-*.pt") if _NAME.fullmatch(path.name)]
        return sorted(found, key=_place)

    def best(self) -> Path | None:
        """Return the one that was best on the validation classes; None where there are none, or no epoch has ended."""
        return max(self.path.glob("best-epoch-*.pt"), default=None)

    def save(self, state: Checkpoint, *, epoch: int, step: int | None, keep: int) -> Path:
        """Write a checkpoint, and remove all but the last `keep`.

        Args:
            state: Tensors and plain values.
            epoch: Counted from 1.
            step: How many steps of the epoch are done; None: the epoch has ended.
            keep: At least 1.

        Raises:
            SmserveError: It can't be written.
        """
        name = f"epoch-{epoch:04}" + ("" if step is None else f"-step-{step:06}")
        path = save_checkpoint(state, self.path, name)
        for old in [*self.kept()[:-keep], *self.path.glob(".*.partial")]:
            old.unlink(missing_ok=True)
        return path

    def keep_as_best(self, path: Path) -> None:
        """Keep a copy of a checkpoint in place of what was best so far."""
        copy = path.with_name(f"best-{path.name}")
        write_whole(copy, path.read_bytes())
        for old in self.path.glob("best-*.pt"):
            if old != copy:
                old.unlink()

    def load(self, chosen: Path | None = None) -> Checkpoint:
        """Return the newest one, or one that was chosen.

        Raises:
            NotFound: There is none.
            DataLoss: It is damaged; the message says which one before it is sound, and how to go on from there.
        """
        kept = self.kept()
        if chosen is None and not kept:
            raise NotFound(f"there is no checkpoint in {self.path}; the run was stopped before its first, so train it")
        path = kept[-1] if chosen is None else chosen
        try:
            return load_checkpoint(path)
        except DataLoss as error:
            earlier = [each for each in kept if _NAME.fullmatch(path.name) and _place(each) < _place(path)]
            raise DataLoss(f"{error.message}; {_way_out(earlier)}") from None

    def drop_after(self, chosen: Path) -> None:
        """Remove what is newer than a checkpoint of this folder that a run now goes on from.

        Raises:
            NotFound: It is none of this folder.
        """
        kept = self.kept()
        if chosen.resolve() not in [path.resolve() for path in kept]:
            there = ", ".join(path.name for path in reversed(kept)) or "none"
            raise NotFound(f"{chosen} is no checkpoint of {self.path}; wanted one of those there: {there}")
        for path in kept:
            if _place(path) > _place(chosen):
                path.unlink()


def _place(path: Path) -> tuple[int, float]:
    """Return epoch and step; the end of an epoch comes after its steps."""
    named = _NAME.fullmatch(path.name)
    assert named is not None  # noqa: S101 - for mypy: callers pass only such names
    return int(named[1]), int(named[2]) if named[2] else sys.maxsize


def _way_out(earlier: list[Path]) -> str:
    for path in reversed(earlier):
        with contextlib.suppress(DataLoss, NotFound):
            load_checkpoint(path)
            return f"go on from the one before it: train again with --resume-from {path}"
    return "no sound one is left from before it, so remove the run and train again"

"""TensorBoard: event files beside the run; `tensorboard --logdir runs` shows them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from training.tracking.tracker import Tracker, flat_settings, numbers

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["TensorBoardTracker"]

_GROUPS: Final = {
    "validation": ("validation_",),
    "loss": ("loss", "pair_loss", "global_loss"),
    "controller": ("controller_", "active_share", "mined_active_share", "difficulty", "next_difficulty"),
    "cost": ("embedded_pictures", "steps", "pictures_per_s", "epoch_s", "embedding_s", "neighbours_s", "selection_s"),
}


class TensorBoardTracker(Tracker):
    """Writes event files into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._writer: SummaryWriter | None = None

    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:
        """Open an event file; TensorBoard drops what older ones say of void epochs."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder), purge_step=epoch + 1)
        if epoch == 0:
            rows = "\n".join(f"| {name} | {value} |" for name, value in flat_settings(settings).items())
            self._writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", 0)

    def log_epoch(self, record: Mapping[str, Any]) -> None:
        """Write an epoch, where a page that is open shows it."""
        assert self._writer is not None  # noqa: S101 - for mypy: a run begins first
        for name, value in numbers(record, apart_from=("epoch",)).items():
            self._writer.add_scalar(f"{_group(name)}/{name}", value, record["epoch"])
        self._writer.flush()

    def end(self, figures: Mapping[str, Any]) -> None:
        """Write the figures, and close the file."""
        assert self._writer is not None  # noqa: S101 - for mypy: a run begins first
        for name, value in numbers(figures).items():
            self._writer.add_scalar(f"test/{name}", value, 0)
        self._writer.close()


def _group(name: str) -> str:
    """Return the fold of the page that a figure belongs to."""
    for group, starts in _GROUPS.items():
        if name.startswith(starts):
            return group
    return "mining"

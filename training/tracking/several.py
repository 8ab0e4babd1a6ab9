"""All trackers as one, which never ends a run: one that fails is left out from then on, and a person is told."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from training.tracking.mlflow import MlflowTracker, is_installed
from training.tracking.tensorboard import TensorBoardTracker
from training.tracking.tracker import Tracker

__all__ = ["Several", "open_trackers"]


class Several(Tracker):
    """Tells several trackers."""

    def __init__(self, trackers: Sequence[Tracker], warn: Callable[[str], None]) -> None:
        """Tell `trackers`; what goes wrong is told to `warn`, a line each."""
        self._trackers = list(trackers)
        self._warn: Final = warn

    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:
        """Tell all of them."""
        self._tell(lambda tracker: tracker.begin(settings, epoch=epoch))

    def log_epoch(self, record: Mapping[str, Any]) -> None:
        """Tell all of them."""
        self._tell(lambda tracker: tracker.log_epoch(record))

    def end(self, figures: Mapping[str, Any]) -> None:
        """Tell all of them."""
        self._tell(lambda tracker: tracker.end(figures))

    def _tell(self, what: Callable[[Tracker], None]) -> None:
        for tracker in tuple(self._trackers):
            try:
                what(tracker)
            except Exception as error:  # noqa: BLE001 - servers fail in many ways, and a run of days must not end by it
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                self._warn(
                    f"{type(tracker).__name__} failed ({reason}) and is told no more of this run; metrics.jsonl goes on"
                )
                self._trackers.remove(tracker)


def open_trackers(folder: Path, warn: Callable[[str], None]) -> Tracker:
    """Return what a run in a folder is reported to: TensorBoard, and MLflow where it is installed.

    Args:
        folder: The run's; event files go to `tensorboard/` in it.
        warn: Told, in a line, of a tracker that fails.
    """
    trackers: list[Tracker] = [TensorBoardTracker(folder / "tensorboard")]
    if is_installed():
        trackers.append(MlflowTracker(folder.name, folder / "mlflow_run_id"))
    return Several(trackers, warn)

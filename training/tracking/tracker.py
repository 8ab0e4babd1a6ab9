"""The one interface to experiment trackers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

__all__ = ["NoTracker", "Tracker", "flat_settings", "numbers"]


class Tracker(ABC):
    """Is told what a run does; a run is begun once, then has epochs, then ends or is interrupted."""

    @abstractmethod
    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:
        """Take note of a run that begins, or goes on.

        Args:
            settings: What the run folder's config.json holds: config, data set, versions and the like.
            epoch: The last one that is already told; what was told of later ones is void. 0 at the beginning.
        """

    @abstractmethod
    def log_epoch(self, record: Mapping[str, Any]) -> None:
        """Take note of an epoch, a line of metrics.jsonl."""

    @abstractmethod
    def end(self, figures: Mapping[str, Any]) -> None:
        """Take note of the figures on the test classes; nothing follows."""


class NoTracker(Tracker):
    """Takes no note."""

    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:
        """Do nothing."""

    def log_epoch(self, record: Mapping[str, Any]) -> None:
        """Do nothing."""

    def end(self, figures: Mapping[str, Any]) -> None:
        """Do nothing."""


def numbers(record: Mapping[str, Any], *, apart_from: tuple[str, ...] = ()) -> dict[str, float]:
    """Return what of a record is a number; a tracker has no use for the rest."""
    return {
        name: float(value)
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in apart_from
    }


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as text by dotted names."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(flat_settings(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat

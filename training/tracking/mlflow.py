"""MLflow, where it is installed; its own environment variables say which server, experiment and account."""

import importlib.util
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from training.tracking.tracker import Tracker, flat_settings, numbers

__all__ = ["MlflowTracker", "is_installed"]

_EXPERIMENT: Final = "smserve"
_LONGEST: Final = 500  # letters of a parameter's value, which every MLflow server takes
_MOST_AT_ONCE: Final = 100  # parameters
_OF_EVERY_EPOCH: Final = "loss"


def is_installed() -> bool:
    """Whether there is an MLflow to report to."""
    return importlib.util.find_spec("mlflow") is not None


class MlflowTracker(Tracker):
    """Reports to an MLflow server by its client, which leaves the process's active run alone.

    The run's id is kept in a file, so that a run that goes on is one run there too. MLflow only appends, so what it was
    told once is not told again: an epoch that was cut off before its checkpoint, and runs again, comes to the same.
    """

    def __init__(self, name: str, id_file: Path) -> None:
        """Report under `name`.

        Args:
            name: Of the run, for people.
            id_file: Where the id is kept.
        """
        self._name: Final = name
        self._id_file: Final = id_file
        self._client: Any = None
        self._run_id = ""
        self._told_epoch = 0
        self._told_figures = False

    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:  # noqa: ARG002 - MLflow knows itself what it has
        """Open the run there, or go on with it."""
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of its own set-up
        self._client = MlflowClient()  # refuses an address that it can't use
        if self._id_file.exists():
            self._run_id = self._id_file.read_text(encoding="utf-8").strip()
            self._client.update_run(self._run_id, status="RUNNING")
            history = self._client.get_metric_history(self._run_id, _OF_EVERY_EPOCH)
            self._told_epoch = max((each.step for each in history), default=0)
            self._told_figures = any(
                name.startswith("test_") for name in self._client.get_run(self._run_id).data.metrics
            )
            return
        self._run_id = self._client.create_run(self._experiment(), run_name=self._name).info.run_id
        self._id_file.parent.mkdir(parents=True, exist_ok=True)
        self._id_file.write_text(self._run_id + "\n", encoding="utf-8")
        from mlflow.entities import Param

        told = [Param(name, value[:_LONGEST]) for name, value in flat_settings(settings).items()]
        for start in range(0, len(told), _MOST_AT_ONCE):
            self._client.log_batch(self._run_id, params=told[start : start + _MOST_AT_ONCE])

    def log_epoch(self, record: Mapping[str, Any]) -> None:
        """Send an epoch as one batch."""
        if record["epoch"] > self._told_epoch:
            self._log(numbers(record, apart_from=("epoch",)), step=record["epoch"])

    def end(self, figures: Mapping[str, Any]) -> None:
        """Send the figures, and close the run."""
        if not self._told_figures:
            self._log({f"test_{name}": value for name, value in numbers(figures).items()}, step=0)
        self._client.set_terminated(self._run_id)

    def _log(self, values: Mapping[str, float], *, step: int) -> None:
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        self._client.log_batch(self._run_id, [Metric(name, value, now_ms, step) for name, value in values.items()])

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from training.tracking import Tracker, open_trackers
from training.tracking.mlflow import is_installed
from training.tracking.several import Several


class Noting(Tracker):
    """Writes down what it is told, and fails from some call on."""

    def __init__(self, *, fails_at: int = 99) -> None:
        self.told: list[tuple[str, object]] = []
        self._fails_at = fails_at

    def begin(self, settings: Mapping[str, Any], *, epoch: int) -> None:
        self._note("begin", (settings, epoch))

    def log_epoch(self, record: Mapping[str, Any]) -> None:
        self._note("epoch", record)

    def end(self, figures: Mapping[str, Any]) -> None:
        self._note("end", figures)

    def _note(self, what: str, value: object) -> None:
        if len(self.told) + 1 >= self._fails_at:
            raise ConnectionError("no server at 10.0.0.1\nsecond line")
        self.told.append((what, value))


def tell_a_run(tracker: Tracker) -> None:
    tracker.begin({"config": {}}, epoch=2)
    tracker.log_epoch({"epoch": 3})
    tracker.log_epoch({"epoch": 4})
    tracker.end({"recall_at_1": 0.5})


WHOLE: list[tuple[str, object]] = [
    ("begin", ({"config": {}}, 2)),
    ("epoch", {"epoch": 3}),
    ("epoch", {"epoch": 4}),
    ("end", {"recall_at_1": 0.5}),
]


def test_all_are_told_everything() -> None:
    noting = [Noting(), Noting()]
    warnings: list[str] = []
    tell_a_run(Several(noting, warnings.append))
    assert [each.told for each in noting] == [WHOLE, WHOLE]
    assert warnings == []


def test_one_that_fails_is_left_out_and_told_of_once() -> None:
    failing, other = Noting(fails_at=3), Noting()
    warnings: list[str] = []
    tell_a_run(Several([failing, other], warnings.append))
    assert failing.told == WHOLE[:2]
    assert other.told == WHOLE
    assert warnings == ["Noting failed (no server at 10.0.0.1) and is told no more of this run; metrics.jsonl goes on"]


@pytest.mark.skipif(is_installed(), reason="MLflow is here, which test_mlflow.py asks")
def test_a_run_folder_has_event_files(tmp_path: Path) -> None:
    warnings: list[str] = []
    tell_a_run(open_trackers(tmp_path / "run", warnings.append))
    assert warnings == []
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))

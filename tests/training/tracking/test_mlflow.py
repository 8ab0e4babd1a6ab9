"""MLflow with its own database; skipped where it is not installed, since it is no dependency of ours."""

from pathlib import Path

import pytest

from training.tracking import open_trackers

mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed, which reports to it only where it is")
pytestmark = pytest.mark.filterwarnings("ignore")  # its own, of the libraries that it uses


def test_a_run_that_went_on_is_one_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "drawn")
    warnings: list[str] = []
    settings = {"dataset": "drawn", "config": {"seed": 3, "long": "x" * 900}}
    first = open_trackers(tmp_path / "run", warnings.append)
    first.begin(settings, epoch=0)
    first.log_epoch({"epoch": 1, "loss": 0.5, "difficulty": None})
    again = open_trackers(tmp_path / "run", warnings.append)
    again.begin(settings, epoch=1)
    again.log_epoch({"epoch": 2, "loss": 0.25})
    again.end({"recall_at_1": 0.75})

    assert warnings == []
    client = mlflow.tracking.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("drawn").experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert (run.data.params["config.seed"], run.data.params["config.long"]) == ("3", "x" * 500)
    assert [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "loss")] == [
        (1, 0.5),
        (2, 0.25),
    ]
    assert run.data.metrics["test_recall_at_1"] == 0.75


def test_what_runs_again_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    warnings: list[str] = []
    losses = {1: 0.5, 2: 0.25, 3: 0.125}
    # Killed in epoch 1, then before the checkpoint of epoch 2; gone on with to the end; then from that of epoch 1.
    for after, epochs, ends in ((0, (), False), (0, (1, 2), False), (1, (2, 3), True), (1, (2, 3), True)):
        tracker = open_trackers(tmp_path / "run", warnings.append)
        tracker.begin({"dataset": "drawn"}, epoch=after)
        for epoch in epochs:
            tracker.log_epoch({"epoch": epoch, "loss": losses[epoch]})
        if ends:
            tracker.end({"recall_at_1": 0.75})

    assert warnings == []
    client = mlflow.tracking.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("smserve").experiment_id])
    assert run.info.status == "FINISHED"
    told = {name: client.get_metric_history(run.info.run_id, name) for name in ("loss", "test_recall_at_1")}
    assert [(each.step, each.value) for each in told["loss"]] == list(losses.items())
    assert [each.value for each in told["test_recall_at_1"]] == [0.75]


def test_a_server_that_is_not_there_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    warnings: list[str] = []
    tracker = open_trackers(tmp_path / "run", warnings.append)
    tracker.begin({}, epoch=0)
    tracker.log_epoch({"epoch": 1, "loss": 0.5})
    tracker.end({})
    (line,) = warnings
    assert line.startswith("MlflowTracker failed (")
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))

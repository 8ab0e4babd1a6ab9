import time
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.tracking.tensorboard import TensorBoardTracker

SETTINGS = {"dataset": "drawn", "config": {"seed": 3, "model": {"backbone": "tiny"}}}


def record(epoch: int, **figures: object) -> dict[str, object]:
    return {"epoch": epoch, "loss": 1 / epoch, "active_share": 0.5, **figures}


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def scalars(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]  # in float32


def test_every_number_of_a_run_can_be_read_again(tmp_path: Path) -> None:
    tracker = TensorBoardTracker(tmp_path)
    tracker.begin(SETTINGS, epoch=0)
    tracker.log_epoch(record(1, difficulty=None, controller_line="prior", validation_recall_at_1=0.25, steps=7))
    tracker.log_epoch(record(2, difficulty=0.5, graph_recall=0.98))
    tracker.end({"recall_at_1": 0.75, "pictures": 30})

    events = read(tmp_path)
    assert set(events.Tags()["scalars"]) == {
        *("loss/loss", "controller/active_share", "controller/difficulty", "validation/validation_recall_at_1"),
        *("cost/steps", "mining/graph_recall", "test/recall_at_1", "test/pictures"),
    }
    assert scalars(events, "loss/loss") == [(1, 1), (2, 0.5)]
    assert scalars(events, "controller/difficulty") == [(2, 0.5)]
    assert scalars(events, "test/recall_at_1") == [(0, 0.75)]
    text = events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| config.model.backbone | tiny |" in text


def test_a_run_that_goes_on_replaces_what_was_told_of_void_epochs(tmp_path: Path) -> None:
    first = TensorBoardTracker(tmp_path)
    first.begin(SETTINGS, epoch=0)
    for epoch in (1, 2, 3):
        first.log_epoch(record(epoch, difficulty=1.0))
    first.end({})  # a killed process closes its file, too
    time.sleep(1.1)  # of one second, the tenth file of a process is read before its ninth: by name
    again = TensorBoardTracker(tmp_path)
    again.begin(SETTINGS, epoch=1)
    again.log_epoch(record(2, difficulty=2.0))
    again.end({})
    assert scalars(read(tmp_path), "controller/difficulty") == [(1, 1), (2, 2)]

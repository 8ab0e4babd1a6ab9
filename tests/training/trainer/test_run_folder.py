import json
from dataclasses import replace
from pathlib import Path

import pytest

from smserve.errors import AlreadyExists, DataLoss, NotFound, SmserveError
from tests.training.tiny import paper_config
from training.trainer import RunFolder

CONFIG = paper_config()


def test_what_was_asked_for_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "first")
    assert folder.begin(CONFIG, "csv:list.csv", resume=False, accepted={"allow_shared_classes": True}) is False
    again = RunFolder(tmp_path / "runs" / "first")
    assert again.read_config() == (CONFIG, "csv:list.csv")
    assert again.accepted() == {"allow_shared_classes": True}
    assert again.epochs() == []
    assert again.evaluation() is None


def test_there_is_something_to_go_on_from_once_a_checkpoint_is_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.begin(CONFIG, "emoji", resume=True) is False
    assert folder.begin(CONFIG, "emoji", resume=True) is False
    folder.checkpoints.save({"epoch": 1}, epoch=1, step=None, keep=1)
    assert folder.begin(CONFIG, "emoji", resume=True) is True


def test_going_back_drops_checkpoints_lines_and_figures_from_after(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(CONFIG, "emoji", resume=False)
    for epoch in (1, 2, 3):
        folder.log_epoch({"epoch": epoch})
        folder.checkpoints.save({"epoch": epoch}, epoch=epoch, step=None, keep=3)
    folder.finish({"recall_at_1": 0.5})
    folder.go_back(folder.checkpoints.kept()[1], epoch=2)
    assert folder.epochs() == [{"epoch": 1}, {"epoch": 2}]
    assert folder.checkpoints.load() == {"epoch": 2}
    assert folder.evaluation() is None


def test_another_run_is_not_written_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(CONFIG, "emoji", resume=False)
    with pytest.raises(AlreadyExists, match="is there already"):
        folder.begin(CONFIG, "emoji", resume=False)
    for config, dataset in ((replace(CONFIG, seed=1), "emoji"), (CONFIG, "cub")):
        with pytest.raises(AlreadyExists, match="other settings or data"):
            folder.begin(config, dataset, resume=True)
    folder.finish({"recall_at_1": 0.5})
    assert folder.evaluation() == {"recall_at_1": 0.5}
    with pytest.raises(AlreadyExists, match="is finished"):
        folder.begin(CONFIG, "emoji", resume=False)


def test_an_epoch_that_runs_again_is_logged_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(CONFIG, "emoji", resume=False)
    for epoch, loss in ((1, 0.9), (2, 0.8), (3, 0.7), (2, 0.6)):
        folder.log_epoch({"epoch": epoch, "loss": loss})
    assert folder.epochs() == [{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.6}]
    assert sorted(path.name for path in folder.path.iterdir()) == ["config.json", "metrics.jsonl"]


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"is no run: it has no config\.json"):
        RunFolder(tmp_path).read_config()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is damaged"),
        ("[1]", "is damaged"),
        ("{}", "has no 'config'"),
        ('{"config": {"epochs": 3}, "dataset": "emoji"}', "setting recipe is missing"),
        ('{"config": [], "dataset": "emoji"}', "wanted names with values"),
    ],
)
def test_a_damaged_config_is_named(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataLoss, match=r"config\.json") as caught:
        RunFolder(tmp_path).read_config()
    assert says in caught.value.message


def test_damaged_figures_are_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.metrics_file.write_text('{"epoch": 1}\n{"epo', encoding="utf-8")
    with pytest.raises(DataLoss, match=r"metrics\.jsonl is damaged"):
        folder.epochs()
    folder.evaluation_file.write_text(json.dumps(3), encoding="utf-8")
    with pytest.raises(DataLoss, match=r"evaluation\.json is damaged"):
        folder.evaluation()


def test_a_place_that_cant_be_written(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(SmserveError, match=r"run folder .* can't be written .*--run-dir"):
        RunFolder(tmp_path / "runs" / "first").begin(CONFIG, "emoji", resume=False)

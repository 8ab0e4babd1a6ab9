from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from smserve.errors import SmserveError
from tests.training.tiny import classes_config
from training.config import TrainConfig
from training.datasets import Dataset, silent
from training.trainer.starts import read_starts, record_start

CONFIG = classes_config()


def start(file: Path, hues: Dataset, config: TrainConfig = CONFIG, *, resumed: bool = False) -> None:
    record_start(file, config, hues, resumed=resumed, cache_dir=file.parent / "cache", progress=silent)


def test_each_start_is_added(tmp_path: Path, hues: Dataset) -> None:
    file = tmp_path / "environment.json"
    start(file, hues)
    start(file, hues, resumed=True)
    first, second = read_starts(file)
    assert (first["resumed"], second["resumed"]) == (False, True)
    assert datetime.fromisoformat(first["at"]) <= datetime.fromisoformat(second["at"])
    assert first["data"] == second["data"]
    assert first["data"]["train"]["pictures"] == 80
    assert {"command", "commit", "python", "packages", "hardware"} <= set(first)
    assert first["weights_sha256"] is None


def test_a_file_of_weights_is_summed(tmp_path: Path, hues: Dataset) -> None:
    (tmp_path / "weights.pth").write_bytes(b"weights")
    config = replace(CONFIG, model=replace(CONFIG.model, weights=str(tmp_path / "weights.pth")))
    start(tmp_path / "environment.json", hues, config)
    (found,) = read_starts(tmp_path / "environment.json")
    assert found["weights_sha256"] == sha256(b"weights").hexdigest()


@pytest.mark.parametrize("content", ["", "{", "3", '{"at": 1}', "[1, 2]"])
def test_a_damaged_record_is_begun_anew(content: str, tmp_path: Path, hues: Dataset) -> None:
    file = tmp_path / "environment.json"
    file.write_text(content, encoding="utf-8")
    start(file, hues)
    assert len(read_starts(file)) == 1


def test_a_place_that_cant_be_written(tmp_path: Path, hues: Dataset) -> None:
    (tmp_path / "environment.json").mkdir()
    with pytest.raises(SmserveError, match=r"environment\.json can't be written"):
        start(tmp_path / "environment.json", hues)

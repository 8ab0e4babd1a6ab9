"""A run that was interrupted and goes on."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from smserve.errors import AlreadyExists, DataLoss, InvalidInput
from tests.training.tiny import TinyBackbone
from tests.training.trainer.running import Interrupted, InterruptingBar, run, weights_of
from tests.training.trainer.test_run import CONFIGS, EACH, records, same, without_times
from training.checkpoint import load_checkpoint
from training.config import CheckpointConfig, TrainConfig
from training.datasets import Dataset
from training.trainer import RunFolder

pytestmark = pytest.mark.usefixtures("tiny_runs")


@EACH
@pytest.mark.parametrize(
    ("every_steps", "bar"),
    [
        (None, InterruptingBar(after_epochs=1)),
        (None, InterruptingBar(after_epochs=3)),
        (3, InterruptingBar(after_steps=5)),  # two steps run again
        (1, InterruptingBar(after_steps=7)),
        (None, InterruptingBar(after_steps=6)),  # from the epoch before
    ],
    ids=["after epoch 1", "after epoch 3", "after step 5", "after step 7", "after step 6 without a checkpoint"],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    config: TrainConfig, every_steps: int | None, bar: InterruptingBar, hues: Dataset, tmp_path: Path
) -> None:
    expected = run(config, hues, tmp_path / "whole")
    config = replace(config, checkpoint=CheckpointConfig(every_steps=every_steps))
    with pytest.raises(Interrupted):
        run(config, hues, tmp_path / "cut", bar=copy.copy(bar))
    torch.manual_seed(999)  # another process has drawn other numbers
    assert run(config, hues, tmp_path / "cut", resume=True) == expected
    assert same(weights_of(tmp_path / "cut"), weights_of(tmp_path / "whole"))
    cut, whole = ([without_times(record) for record in records(tmp_path / name)] for name in ("cut", "whole"))
    assert cut == whole


def test_a_run_goes_on_without_the_file_of_weights_that_it_began_with(hues: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(5)
    weights = tmp_path / "tiny.pth"
    torch.save(TinyBackbone("none").state_dict(), weights)
    config = replace(CONFIGS[1], model=replace(CONFIGS[1].model, weights=str(weights)))
    expected = run(config, hues, tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(config, hues, tmp_path / "cut", bar=InterruptingBar(after_epochs=1))
    weights.unlink()
    assert run(config, hues, tmp_path / "cut", resume=True) == expected
    assert same(weights_of(tmp_path / "cut"), weights_of(tmp_path / "whole"))
    with pytest.raises(InvalidInput, match=r"there is no file of weights .*tiny\.pth"):
        run(config, hues, tmp_path / "new")


def test_an_unfinished_run_wants_resume(hues: Dataset, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(CONFIGS[0], hues, tmp_path / "run", bar=InterruptingBar(after_epochs=1))
    with pytest.raises(AlreadyExists, match="is there already; go on with --resume"):
        run(CONFIGS[0], hues, tmp_path / "run")


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_gone_on_from(hues: Dataset, tmp_path: Path) -> None:
    expected = run(CONFIGS[0], hues, tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(CONFIGS[0], hues, tmp_path / "run", bar=InterruptingBar(after_epochs=3))
    first, second, third = RunFolder(tmp_path / "run").checkpoints.kept()
    third.write_bytes(third.read_bytes()[:-1])
    with pytest.raises(DataLoss, match=f"checkpoint {third} is damaged .* --resume-from {second}"):
        run(CONFIGS[0], hues, tmp_path / "run", resume=True)
    assert run(CONFIGS[0], hues, tmp_path / "run", resume_from=first) == expected
    assert load_checkpoint(third)["epoch"] == 3  # the same state has the same name, and is sound again
    assert same(weights_of(tmp_path / "run"), weights_of(tmp_path / "whole"))
    assert [record["epoch"] for record in records(tmp_path / "run")] == [1, 2, 3, 4]


def test_a_finished_run_goes_back(hues: Dataset, tmp_path: Path) -> None:
    expected = run(CONFIGS[0], hues, tmp_path / "run")
    before = weights_of(tmp_path / "run")
    _, chosen, *_ = RunFolder(tmp_path / "run").checkpoints.kept()
    with pytest.raises(Interrupted):
        run(CONFIGS[0], hues, tmp_path / "run", resume_from=chosen, bar=InterruptingBar(after_epochs=4))
    assert RunFolder(tmp_path / "run").evaluation() is None
    assert run(CONFIGS[0], hues, tmp_path / "run", resume=True) == expected
    assert same(weights_of(tmp_path / "run"), before)

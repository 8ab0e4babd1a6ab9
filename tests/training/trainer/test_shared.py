"""Two processes on the CPU come to what one comes to with the same batches."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.trainer import shared_run
from tests.training.trainer.running import weights_of
from training.datasets import Dataset
from training.model import BACKBONES
from training.trainer import RunFolder

pytestmark = [pytest.mark.usefixtures("tiny_runs"), pytest.mark.timeout(300)]


SAME = [
    *("active_share", "mined_active_share", "mined_share", "difficulty", "next_difficulty"),
    *("embedded_pictures", "steps", "validation_recall_at_1"),
]


def torchrun(kind: str, data: Dataset, path: Path) -> None:
    pictures = data.name.removeprefix("folder:")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "tests.training.trainer.shared_run", kind, pictures, str(path)]
    subprocess.run(command, check=True, timeout=250)


def alone(kind: str, data: Dataset, path: Path) -> None:
    shared_run.main(kind, data.name.removeprefix("folder:"), path)
    del BACKBONES["still"]


def losses(path: Path) -> list[float]:
    found: list[float] = json.loads((path / "losses.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("kind", list(shared_run.SHARED_CONFIGS))
def test_two_processes_lose_what_one_loses(kind: str, hues: Dataset, tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "run", tmp_path / "two" / "run"
    alone(kind, hues, one)
    torchrun(kind, hues, two)
    assert len(losses(one)) >= 20
    assert json.loads((two / "refused.json").read_text(encoding="utf-8")) == [True, True]
    for rank in range(2):  # a thread of the group that is left aborts one process in some hundreds as it ends
        threads = json.loads((two / f"threads.{rank}.json").read_text(encoding="utf-8"))
        assert threads
        assert not [name for name in threads if "gloo" in name]
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    for expected, found in zip(RunFolder(one).epochs(), RunFolder(two).epochs(), strict=True):
        assert {name: found[name] for name in SAME} == {name: expected[name] for name in SAME}
    assert RunFolder(two).evaluation() == RunFolder(one).evaluation()
    for name, weight in weights_of(one).items():
        assert torch.allclose(weights_of(two)[name], weight, atol=1e-4)

"""Runs that SIGKILL ends again and again come to what one that was left alone does."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.trainer.killed_run import KILLED_CONFIGS
from tests.training.trainer.running import run, weights_of
from training.datasets import Dataset
from training.trainer import RunFolder, export_run

pytestmark = [pytest.mark.usefixtures("tiny_runs"), pytest.mark.timeout(300)]
TIMES = {"epoch_s", "embedding_s", "neighbours_s", "selection_s", "mining_share_of_epoch", "pictures_per_s"}


def start(kind: str, data: Dataset, path: Path) -> subprocess.Popen[str]:
    pictures = data.name.removeprefix("folder:")
    command = [sys.executable, "-W", "error", "-m", "tests.training.trainer.killed_run", kind, pictures, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], steps: int, delay_s: float) -> None:
    assert process.stdout is not None
    for _ in range(steps):
        assert process.stdout.readline() == "step\n"
    time.sleep(delay_s)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    process.stdout.close()


def result(path: Path, data: Dataset) -> dict[str, Any]:
    """What a run came to: sums of weights and model file, figures, log without its times."""
    folder = RunFolder(path)
    weights = hashlib.sha256()
    for name, weight in sorted(weights_of(path).items()):
        weights.update(name.encode() + weight.contiguous().numpy().tobytes())
    model = path / "model.onnx"
    export_run(folder, data, model, cache_dir=path.parent / "decoded", progress=lambda *_: None)
    return {
        "weights": weights.hexdigest(),
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "figures": folder.evaluation(),
        "log": [{name: line[name] for name in line.keys() - TIMES} for line in folder.epochs()],
    }


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("triplets", [(5, 0.0), (38, 0.01)]),
        ("classes", [(7, 0.005)]),
    ],
)
def test_killed_and_gone_on(kind: str, kills: list[tuple[int, float]], hues: Dataset, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    run(KILLED_CONFIGS[kind], hues, tmp_path / "whole" / "run")
    expected = result(tmp_path / "whole" / "run", hues)
    path = tmp_path / "killed" / "run"
    for steps, delay_s in kills:
        kill_after(start(kind, hues, path), steps, delay_s)
    with start(kind, hues, path) as last:
        last.communicate(timeout=200)
    assert last.returncode == 0
    found = result(path, hues)
    assert found == expected
    assert [line["epoch"] for line in found["log"]] == list(range(1, KILLED_CONFIGS[kind].epochs + 1))
    assert torch.get_num_threads() == threads
    assert not list(path.rglob("*.partial"))

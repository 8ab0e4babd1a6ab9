"""`make train` and `make export`, as a person types them, on small trees of the published layouts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smserve.embedder import Embedder
from tests.training.datasets.trees import write_cars196, write_cub, write_inshop, write_sop

ROOT = Path(__file__).parents[2]


def make(*arguments: str) -> str:
    """Run make with this interpreter in place of the virtual environment; return what it printed."""
    command = ["make", "-o", ".venv/.ready", f"BIN={Path(sys.executable).parent}", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=140, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "write"), [("cub", write_cub), ("cars196", write_cars196), ("sop", write_sop), ("inshop", write_inshop)]
)
def test_from_the_archives_layout_to_a_model_file(name: str, write: Callable[..., Path], tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", classes=2, per_class=3)
    runs, data = tmp_path / "runs", tmp_path / "data"
    # The recipe as it is, random weights apart: two random epochs and a mined one.
    options = f"--allow-subset --weights none --epochs 3 --device cpu --run-dir {runs} --data-dir {data}"
    printed = make("train", f"DATASET={name}:{tree}", "NAME=small", f"ARGS={options}")
    assert "can't be compared" in printed
    figures = json.loads((runs / "small" / "evaluation.json").read_text(encoding="utf-8"))
    wanted = {"sop": 1000, "inshop": 50}.get(name, 8)
    assert 0 <= figures["recall_at_1"] <= figures[f"recall_at_{wanted}"] == 1
    assert ("gallery_pictures" in figures) == (name == "inshop")
    records = [json.loads(line) for line in (runs / "small" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["difficulty"] is None for record in records] == [True, True, False]
    make("export", f"RUN={runs / 'small'}", f"ARGS=--data-dir {data}")
    embedder = Embedder(runs / "small" / "model.onnx")
    assert (embedder.dimension, embedder.manifest.provenance["recipe"]) == (64, name)

"""What runs a model tells nobody of it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.tiny_model import write_tiny_model

PROGRAM = "import pathlib, sys; from smserve.embedder import Embedder; Embedder(pathlib.Path(sys.argv[1])).warm_up([1])"


def test_onnx_runtime_keeps_no_record_for_its_maker(tmp_path: Path) -> None:
    home, model = tmp_path / "home", write_tiny_model(tmp_path / "model.onnx")
    home.mkdir()
    surroundings = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    surroundings |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    subprocess.run([sys.executable, "-c", PROGRAM, str(model)], env=surroundings, timeout=60, check=True)
    assert list(home.rglob("*")) == []

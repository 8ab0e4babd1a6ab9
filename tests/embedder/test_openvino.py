"""OpenVINO's own promises: precision is what was asked for, nothing is sent, and a missing package is named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smserve.embedder import Embedder, InferenceSettings
from smserve.embedder.openvino import load_openvino
from smserve.errors import SmserveError

BFLOAT16 = InferenceSettings(provider="openvino", precision="bfloat16")
HAS_BFLOAT16 = "BF16" in load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.skipif(not HAS_BFLOAT16, reason="this CPU has no bfloat16")
def test_bfloat16_differs_and_agrees(tiny_model: Path) -> None:
    embedder = Embedder(tiny_model, BFLOAT16)
    assert embedder.provider == "OpenVINO CPU bfloat16"
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
    exact, rounded = Embedder(tiny_model).embed(pixels), embedder.embed(pixels)
    assert not np.allclose(exact, rounded, rtol=0, atol=1e-6), "it is computed in bfloat16"
    assert (exact * rounded).sum(axis=1).min() > 0.999


@pytest.mark.skipif(HAS_BFLOAT16, reason="this CPU has bfloat16")
def test_bfloat16_is_refused_where_the_cpu_has_none(tiny_model: Path) -> None:
    with pytest.raises(SmserveError, match=r"precision bfloat16 is not in this CPU.*use --precision float32"):
        Embedder(tiny_model, BFLOAT16)


_NOTHING_LEAVES = """
import sys
from pathlib import Path

def refuse(event, arguments):
    if event.startswith("socket.") or event == "urllib.Request":
        print(event, arguments, file=sys.stderr)
        raise RuntimeError(event)

sys.addaudithook(refuse)
from smserve.embedder import Embedder, InferenceSettings
Embedder(Path(sys.argv[1]), InferenceSettings(provider="openvino")).warm_up((1,))
import openvino
assert "openvino_telemetry" not in sys.modules
import importlib.util
assert importlib.util.find_spec("openvino_telemetry") is not None, "it is there, and others can use it"
"""


_SIGNALLED = """
import os, signal, sys, threading
from pathlib import Path
from smserve.embedder import Embedder, InferenceSettings

def load():
    return Embedder(Path(sys.argv[1]), InferenceSettings(provider="openvino"))

held = [load(), load()]
del held[0], held[0]  # the first one first

held.append(load())
ended = threading.Thread(target=held.clear)  # the last of a model goes with whichever thread held it
ended.start()
ended.join()

handled = []
signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
assert handled == [signal.SIGUSR1]
"""


def test_signals_are_handled_after_models_changed(tiny_model: Path) -> None:
    """Each core of OpenVINO sets a stack for signals, which is gone when the core is."""
    command = [sys.executable, "-c", _SIGNALLED, str(tiny_model)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_nothing_is_sent_and_nothing_written_at_home(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`import openvino` alone sends an event, in a thread, and keeps an identity in ~/intel."""
    for variable in ("CI", "TF_BUILD", "JENKINS_URL"):  # where it is quiet
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-c", _NOTHING_LEAVES, str(tiny_model)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_the_way_out(tiny_model: Path, tmp_path: Path) -> None:
    """An interpreter that does not find it: a folder stands first on its path in which the import fails."""
    (tmp_path / "openvino.py").write_text("raise ModuleNotFoundError(\"No module named 'openvino'\", name='openvino')")
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from smserve.cli import main\n"
        "sys.argv = ['smserve', 'serve', '--model', sys.argv[1], '--provider', 'openvino', '--port', '0']\n"
        "main()"
    )
    command = [sys.executable, "-c", script, str(tiny_model), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "pip install 'smserve[openvino]', or use --provider cpu" in run.stderr
    assert "Traceback" not in run.stderr

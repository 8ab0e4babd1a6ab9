import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import torch

from training.environment import commit, describe_environment, package_versions

ROOT = Path(__file__).parents[2]


def test_what_a_run_is_computed_with() -> None:
    found = describe_environment()
    assert found["python"] == platform.python_version()
    assert found["packages"]["torch"] == metadata.version("torch")
    hardware = found["hardware"]
    assert hardware["cores"] == os.cpu_count()
    assert hardware["memory_bytes"] > 1 << 28
    assert hardware["torch_threads"] == torch.get_num_threads()
    assert len(hardware["gpus"]) == torch.cuda.device_count()
    assert json.loads(json.dumps(found)) == found


def test_nothing_names_a_folder_or_the_machine() -> None:
    text = json.dumps(describe_environment())
    for private in (str(ROOT), str(Path.home()), platform.node()):
        assert private not in text


def test_the_commit_is_that_of_the_checkout() -> None:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    if done.returncode:  # an sdist
        assert commit() is None
    else:
        assert (commit() or "").removesuffix("+changes") == done.stdout.strip()


def test_versions_are_of_what_is_asked_for() -> None:
    found = package_versions()
    assert {"smserve", "torch", "torchvision", "numpy", "pillow", "click", "onnxruntime"} <= set(found)
    assert list(found) == sorted(found)
    assert not {"ruff", "mypy"} & set(found)

"""What `import smserve` costs: a fresh interpreter tells."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "faiss", "onnxruntime", "openvino", "onnx", "sklearn", "training")


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after `code`."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import smserve",
        "import smserve; smserve.Client; smserve.Hit; smserve.errors.SmserveError",
        "import smserve.cli.root",  # every command, not yet run
    ],
)
def test_heavy_libraries_stay_out(code: str) -> None:
    assert loaded_by(code).isdisjoint(HEAVY)


def test_the_package_alone_needs_neither_grpc_nor_numpy() -> None:
    assert loaded_by("import smserve").isdisjoint({"grpc", "numpy", "PIL"})


def test_serving_loads_what_it_needs_and_no_torch() -> None:
    loaded = loaded_by("import smserve.server, smserve.gallery, smserve.indexing")
    assert {"grpc", "faiss"} <= loaded
    assert loaded.isdisjoint({"torch", "torchvision", "onnx", "sklearn", "training"})
    assert loaded.isdisjoint({"prometheus_client", "opentelemetry", "pythonjsonlogger"})  # unless they are asked for

"""Two packages that install the module `onnxruntime`, as folders that pip would have left."""

from pathlib import Path

import pytest

from smserve.embedder import Embedder, InferenceSettings
from smserve.embedder.distributions import refuse_colliding_distributions
from smserve.errors import SmserveError


def installed(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text("onnxruntime\n")


def test_one_is_as_it_should_be(tmp_path: Path) -> None:
    refuse_colliding_distributions([str(tmp_path)])
    installed(tmp_path, "onnxruntime-gpu", "1.99.0")
    installed(tmp_path, "onnxruntime-extensions", "0.15.0")  # a module of its own
    refuse_colliding_distributions([str(tmp_path)])


def test_two_are_named_with_the_way_out(tmp_path: Path) -> None:
    installed(tmp_path, "onnxruntime", "1.98.0")
    installed(tmp_path, "onnxruntime_openvino", "1.97.1")
    with pytest.raises(
        SmserveError,
        match=r"onnxruntime 1\.98\.0, onnxruntime-openvino 1\.97\.1; keep one, for example: "
        r"pip uninstall --yes onnxruntime onnxruntime-openvino && pip install onnxruntime",
    ):
        refuse_colliding_distributions([str(tmp_path)])


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_no_model_is_loaded_then(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    installed(tmp_path, "onnxruntime-gpu", "1.99.0")
    monkeypatch.syspath_prepend(tmp_path)
    settings = InferenceSettings(provider="openvino") if provider == "openvino" else InferenceSettings()
    with pytest.raises(SmserveError, match=r"onnxruntime 1\..*onnxruntime-gpu 1\.99\.0"):
        Embedder(tiny_model, settings)

"""A model whose numbers lie in another file is refused: the fingerprint would not cover them, nor name the file."""

from pathlib import Path

import onnx
import pytest

from smserve.embedder import Embedder, InferenceSettings, Provider
from smserve.errors import ModelDamaged


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/{folder}/weights.bin", "/etc/passwd"])
def test_numbers_in_another_file(
    tiny_model: Path, tmp_path: Path, location: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = onnx.load(tiny_model)
    (weights,) = (each for each in model.graph.initializer if each.name == "weights")
    for folder in (tmp_path, tmp_path.parent):
        (folder / "weights.bin").write_bytes(weights.raw_data)
    weights.data_location = onnx.TensorProto.EXTERNAL
    place = location.replace("/{folder}", str(tmp_path))
    for key, value in (("location", place), ("offset", "0"), ("length", str(len(weights.raw_data)))):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    weights.ClearField("raw_data")
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    monkeypatch.chdir(tmp_path)  # where a path without a folder would lead to
    with pytest.raises(ModelDamaged, match=r"model.onnx .* can't be loaded"):
        Embedder(path, InferenceSettings(provider=provider))

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from smserve.errors import ModelDamaged
from smserve.model_file import METADATA_KEY
from tests.training.export.networks import small
from tests.training.export.test_model import PROVENANCE, export, square
from training.export import MAX_DIFFERENCE, OnnxNetwork


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("export") / "model.onnx"
    export(small(), output)
    return output


def changed(exported: Path, output: Path, **fields: object) -> Path:
    """A model file with another manifest; without fields, with none."""
    model = onnx.load(exported)
    manifest = json.loads(model.metadata_props[0].value) | fields
    model.ClearField("metadata_props")
    if fields:
        onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(manifest)})
    onnx.save(model, output)
    return output


def test_it_stands_in_for_the_network(exported: Path) -> None:
    net = OnnxNetwork(exported)
    assert (net.manifest.resize, dict(net.manifest.provenance)) == (square(32), PROVENANCE)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))
    with torch.inference_mode():
        torch.testing.assert_close(net(pixels), small().eval()(pixels), rtol=0, atol=MAX_DIFFERENCE)


def test_what_is_no_model_file_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"none\.onnx can't be read"):
        OnnxNetwork(tmp_path / "none.onnx")
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:-500])
    with pytest.raises(ModelDamaged, match=r"cut\.onnx .* can't be loaded"):
        OnnxNetwork(tmp_path / "cut.onnx")
    with pytest.raises(ModelDamaged, match=r"has no 'smserve\.model' manifest"):
        OnnxNetwork(changed(exported, tmp_path / "bare.onnx"))


def test_a_model_that_fails_its_self_check_is_refused(exported: Path, tmp_path: Path) -> None:
    check = json.loads(onnx.load(exported).metadata_props[0].value)["self_check"]
    check[1]["embedding"] = check[0]["embedding"]
    with pytest.raises(ModelDamaged, match=f"fails its self-check: picture '{check[1]['name']}' has cosine"):
        OnnxNetwork(changed(exported, tmp_path / "mixed.onnx", self_check=check))

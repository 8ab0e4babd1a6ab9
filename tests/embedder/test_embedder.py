"""Loading a model: what is right runs, what is wrong says so."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from smserve.embedder import Embedder
from smserve.errors import InvalidImage, ModelDamaged, SmserveError
from smserve.model_file import METADATA_KEY, fingerprint
from tests.support.pictures import draw, encode
from tests.support.tiny_model import write_tiny_model


def test_a_model_knows_itself(tiny_model: Path) -> None:
    embedder = Embedder(tiny_model)
    assert embedder.dimension == 8
    assert embedder.fingerprint == fingerprint(tiny_model.read_bytes())
    assert embedder.provider == "CPUExecutionProvider"
    assert embedder.manifest.name == "tiny-0"


def test_embeddings_have_unit_norm_and_tell_colours_apart(tiny_model: Path) -> None:
    embedder = Embedder(tiny_model)
    pixels = [embedder.prepare(encode(draw(color, seed))) for color in ("red", "blue") for seed in (0, 2)]
    vectors = embedder.embed(np.stack(pixels))
    assert vectors.shape == (4, 8)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_no_picture_gives_no_vector(tiny_model: Path) -> None:
    assert Embedder(tiny_model).embed(np.zeros((0, 16, 16, 3), np.uint8)).shape == (0, 8)


def test_a_bad_picture(tiny_model: Path) -> None:
    with pytest.raises(InvalidImage):
        Embedder(tiny_model).prepare(b"no picture")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"nowhere\.onnx can't be read \(No such file"):
        Embedder(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file(tiny_model: Path, tmp_path: Path, share: float) -> None:
    data = tiny_model.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelDamaged, match=r"cut\.onnx"):
        Embedder(path)


def test_a_model_without_a_manifest(tiny_model: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_model)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "plain.onnx")
    with pytest.raises(ModelDamaged, match=f"has no '{METADATA_KEY}' manifest"):
        Embedder(tmp_path / "plain.onnx")


def test_a_failed_self_check_names_picture_and_difference(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "wrong.onnx", wrong_self_check=True)
    with pytest.raises(ModelDamaged, match=r"self-check.*picture 'red' has cosine -1\.0.*largest difference"):
        Embedder(path)


def test_a_provider_that_is_not_there_is_no_fallback(tiny_model: Path) -> None:
    with pytest.raises(SmserveError, match="CUDAExecutionProvider"):
        Embedder(tiny_model, provider="cuda")

"""Loading a model, whatever runs it: what is right runs, what is wrong says so."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InvalidImage, ModelDamaged, SmserveError
from smserve.model_file import METADATA_KEY, fingerprint
from smserve.ort import onnxruntime
from tests.support.pictures import COLORS, draw, encode
from tests.support.tiny_model import write_tiny_model

ON_THE_CPU = [
    pytest.param(InferenceSettings(), "CPUExecutionProvider", id="onnxruntime"),
    pytest.param(InferenceSettings(max_batch=8), "CPUExecutionProvider", id="onnxruntime, batching"),
    pytest.param(InferenceSettings(provider="openvino"), "OpenVINO CPU float32", id="openvino"),
    pytest.param(InferenceSettings(provider="openvino", threads=2), "OpenVINO CPU float32", id="openvino, 2 threads"),
]
HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
CUDA = pytest.param(
    InferenceSettings(provider="cuda"),
    "CUDAExecutionProvider",
    id="cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not HAS_CUDA, reason="this ONNX Runtime has no CUDA")],
)

every_backend = pytest.mark.parametrize(("settings", "name"), [*ON_THE_CPU, CUDA])


def drawn(embedder: Embedder) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.stack([embedder.prepare(encode(draw(color, seed))) for color in COLORS for seed in (0, 2, 3)])


@every_backend
def test_a_model_knows_itself(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    embedder = Embedder(tiny_model, settings)
    assert embedder.dimension == 8
    assert embedder.fingerprint == fingerprint(tiny_model.read_bytes())
    assert embedder.provider == name
    assert embedder.manifest.name == "tiny-0"
    assert embedder.settings == settings


@every_backend
def test_any_number_of_pictures(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    """ONNX Runtime on the CPU, one by one, says what is right."""
    embedder, one_by_one = Embedder(tiny_model, settings), Embedder(tiny_model)
    pixels = drawn(embedder)
    expected = np.concatenate([one_by_one.embed(each[np.newaxis]) for each in pixels])
    embedder.warm_up((1, 5))
    for count in (1, 2, 7, 16, len(pixels)):
        vectors = embedder.embed(pixels[:count])
        assert vectors.shape == (count, 8)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, expected[:count], rtol=0, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=0, atol=1e-5)


@every_backend
def test_however_the_pictures_lie_in_memory(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    embedder = Embedder(tiny_model, settings)
    pixels = drawn(embedder)
    pixels.flags.writeable = False
    for view in (pixels[::2], pixels[:, ::-1], np.asfortranarray(pixels), np.broadcast_to(pixels[:1], (3, 16, 16, 3))):
        np.testing.assert_allclose(embedder.embed(view), embedder.embed(view.copy(order="C")), rtol=0, atol=1e-6)


@every_backend
def test_no_picture_gives_no_vector(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    assert Embedder(tiny_model, settings).embed(np.zeros((0, 16, 16, 3), np.uint8)).shape == (0, 8)


@every_backend
def test_what_was_answered_stays_as_it_is(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    embedder = Embedder(tiny_model, settings)
    pixels = drawn(embedder)
    first = embedder.embed(pixels[:1])
    before = first.copy()
    embedder.embed(pixels[-1:])
    np.testing.assert_array_equal(first, before)


@every_backend
def test_many_threads_at_once_each_get_their_own(tiny_model: Path, settings: InferenceSettings, name: str) -> None:
    embedder = Embedder(tiny_model, settings)
    pixels = drawn(embedder)
    expected = embedder.embed(pixels)
    together = threading.Barrier(8)

    def ask(number: int) -> None:
        together.wait(timeout=30)
        for place in range(number, number + 40):
            row = place % len(pixels)
            vectors = embedder.embed(pixels[row : row + 1 + place % 2])
            np.testing.assert_allclose(vectors, expected[row : row + 1 + place % 2], rtol=0, atol=1e-6)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8), timeout=60))


@every_backend
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file(
    tiny_model: Path, tmp_path: Path, share: float, settings: InferenceSettings, name: str
) -> None:
    data = tiny_model.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelDamaged, match=r"cut\.onnx") as caught:
        Embedder(path, settings)
    assert "\n" not in caught.value.message
    assert "Exception from" not in caught.value.message


@every_backend
def test_an_operation_that_nobody_knows_is_named(
    tiny_model: Path, tmp_path: Path, settings: InferenceSettings, name: str
) -> None:
    model = onnx.load(tiny_model)
    model.graph.node[0].op_type = "Bogus"
    model.graph.node[0].domain = "example.org"
    model.opset_import.append(onnx.helper.make_opsetid("example.org", 1))
    onnx.save(model, tmp_path / "bogus.onnx")
    with pytest.raises(ModelDamaged, match=rf"bogus\.onnx .*by provider {settings.provider}: .*Bogus") as caught:
        Embedder(tmp_path / "bogus.onnx", settings)
    assert "\n" not in caught.value.message


@every_backend
def test_a_file_of_another_kind(tmp_path: Path, settings: InferenceSettings, name: str) -> None:
    path = tmp_path / "words.onnx"
    path.write_text("<net>no model</net>")
    with pytest.raises(ModelDamaged, match=r"words\.onnx.*export it again"):
        Embedder(path, settings)


@every_backend
def test_a_model_without_a_manifest(tiny_model: Path, tmp_path: Path, settings: InferenceSettings, name: str) -> None:
    model = onnx.load(tiny_model)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "plain.onnx")
    with pytest.raises(ModelDamaged, match=f"has no '{METADATA_KEY}' manifest"):
        Embedder(tmp_path / "plain.onnx", settings)


@every_backend
def test_a_graph_that_its_manifest_does_not_describe(
    tiny_model: Path, tmp_path: Path, settings: InferenceSettings, name: str
) -> None:
    model = onnx.load(tiny_model)
    manifest = model.metadata_props[0]
    manifest.value = manifest.value.replace('"height": 16', '"height": 14').replace('"height":16', '"height":14')
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ModelDamaged, match=r"maps images uint8 \(N, 16, 16, 3\) to .*manifest says .*\(N, 14, 16, 3\)"):
        Embedder(tmp_path / "other.onnx", settings)


@every_backend
def test_a_graph_of_one_size_of_batch(tmp_path: Path, settings: InferenceSettings, name: str) -> None:
    path = write_tiny_model(tmp_path / "one.onnx", batch=1)
    with pytest.raises(ModelDamaged, match=r"maps images uint8 \(1, 16, 16, 3\)"):
        Embedder(path, settings)


@every_backend
def test_a_failed_self_check_names_picture_and_difference(
    tmp_path: Path, settings: InferenceSettings, name: str
) -> None:
    path = write_tiny_model(tmp_path / "wrong.onnx", wrong_self_check=True)
    with pytest.raises(
        ModelDamaged, match=rf"self-check on {name}: picture 'red' has cosine -1\.0.*largest difference"
    ):
        Embedder(path, settings)


def test_a_bad_picture(tiny_model: Path) -> None:
    with pytest.raises(InvalidImage):
        Embedder(tiny_model).prepare(b"no picture")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"nowhere\.onnx can't be read \(No such file"):
        Embedder(tmp_path / "nowhere.onnx")


@pytest.mark.skipif(HAS_CUDA, reason="this ONNX Runtime has CUDA")
def test_a_provider_that_is_not_there_is_no_fallback(tiny_model: Path) -> None:
    with pytest.raises(SmserveError, match=r"CUDAExecutionProvider.*onnxruntime-gpu, or use --provider cpu"):
        Embedder(tiny_model, InferenceSettings(provider="cuda"))

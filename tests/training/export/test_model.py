import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from smserve.embedder import Embedder
from smserve.errors import InvalidImage, InvalidInput, SmserveError
from smserve.images import ResizeRule, prepare
from smserve.model_file import METADATA_KEY, Manifest, fingerprint
from tests.support.pictures import COLORS, draw, encode
from tests.training.export.networks import Embedding, efficientnet_lite0, googlenet, small, vision_transformer
from training.export import MAX_DIFFERENCE, export_model

PICTURES = [(color, encode(draw(color))) for color in COLORS]
PROVENANCE = {"dataset": "drawn", "seed": 0}


def square(side: int) -> ResizeRule:
    return ResizeRule(size=side, height=side, width=side)


def export(net: nn.Module, output: Path, side: int = 32, rule: ResizeRule | None = None) -> str:
    rule = rule or square(side)
    sample = np.stack([prepare(encode(draw(color, seed)), rule) for color in COLORS for seed in range(3)])
    return export_model(
        net,
        rule=rule,
        name="test",
        provenance=PROVENANCE,
        check_pictures=PICTURES,
        neighbour_pictures=sample,
        output=output,
    )


@pytest.mark.parametrize(
    ("make", "side"),
    [
        pytest.param(small, 32, id="small"),
        pytest.param(lambda: small(upsample_to=48), 32, id="small, upsampled"),
        pytest.param(googlenet, 64, id="googlenet"),
        pytest.param(vision_transformer, 32, id="vision transformer"),
        pytest.param(lambda: efficientnet_lite0(upsample_to=96), 64, id="efficientnet_lite0, upsampled"),
    ],
)
def test_the_file_serves_what_torch_computes(make: Callable[[], Embedding], side: int, tmp_path: Path) -> None:
    net = make()
    net.train()  # as a trainer holds it
    identity = export(net, tmp_path / "model.onnx", side)
    assert net.training, "the caller's network stays as it is"

    embedder = Embedder(tmp_path / "model.onnx")  # its self-check passes

    assert embedder.fingerprint == identity == fingerprint((tmp_path / "model.onnx").read_bytes())
    assert embedder.manifest.resize == square(side)
    assert embedder.manifest.provenance == PROVENANCE
    assert [item.name for item in embedder.manifest.self_check] == list(COLORS)
    net.eval()
    for count in (1, 2, 7):
        pixels = np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = net(torch.from_numpy(pixels)).numpy()
        found = embedder.embed(pixels)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=MAX_DIFFERENCE)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_height_and_width_may_differ(tmp_path: Path) -> None:
    rule = ResizeRule(mode="shortest_side", size=32, height=32, width=24)
    export(small(), tmp_path / "model.onnx", rule=rule)
    assert Embedder(tmp_path / "model.onnx").prepare(PICTURES[0][1]).shape == (32, 24, 3)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("export") / "model.onnx"
    export(small(), output)
    return output


def test_another_process_makes_the_same_bytes_and_prints_nothing(exported: Path, tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; import sys; from tests.training.export.test_model import export, small;"
        "export(small(), Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[3]
    outcome = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, tmp_path / "model.onnx"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    model = exported.read_bytes()
    assert fingerprint((tmp_path / "model.onnx").read_bytes()) == fingerprint(model)
    for trace in (str(root), "site-packages", "stack_trace", "/tests/"):
        assert trace.encode() not in model


def test_other_weights_make_another_model(exported: Path, tmp_path: Path) -> None:
    assert export(small(seed=1), tmp_path / "model.onnx") != fingerprint(exported.read_bytes())


def test_the_graph_is_one_file_with_our_manifest_only(exported: Path) -> None:
    model = onnx.load(exported, load_external_data=False)
    assert [entry.key for entry in model.metadata_props] == [METADATA_KEY]
    assert Manifest.from_json(model.metadata_props[0].value).dimension == 16
    assert model.opset_import[0].version >= 17
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["images", "embeddings"]
    assert not any(entry.data_location for entry in model.graph.initializer)
    assert [path.name for path in exported.parent.iterdir()] == ["model.onnx"]


def test_large_check_pictures_are_carried_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)  # 1.9 MB as PNG
    export_model(
        small(),
        rule=square(32),
        name="test",
        provenance={},
        check_pictures=[("noise", encode(Image.fromarray(noise))), *PICTURES],
        neighbour_pictures=None,
        output=tmp_path / "model.onnx",
    )
    carried = Embedder(tmp_path / "model.onnx").manifest.self_check
    assert sum(len(item.image) for item in carried) < 200_000
    assert carried[0].image.startswith(b"\x89PNG")  # exactly what the model sees
    assert carried[1].image == PICTURES[0][1]  # small ones stay as they are


class _Unnormalized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = small()

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.net(images)
        return 2 * out


class _Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = small()
        with torch.no_grad():
            self.net.backbone.get_parameter("5.bias").fill_(float("nan"))

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.net(images)
        return out


class _Otherwise(nn.Module):
    """Computes one thing in torch and another while it is traced."""

    def __init__(self) -> None:
        super().__init__()
        self.net = small()

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.net(images)
        return -out if torch.compiler.is_exporting() else out


class _Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = small()

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.net(images)
        return out if out.sum() > -1000 else -out


class _OneSize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = small()
        self.shift = nn.Parameter(torch.zeros(1, 16))

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.net(images)
        return out + self.shift.expand(len(images), -1)


@pytest.mark.parametrize(
    ("net", "says"),
    [
        pytest.param(_Unnormalized(), "unit norm", id="not unit norm"),
        pytest.param(_Broken(), "unit norm", id="NaN"),
        pytest.param(_Otherwise(), "differ by", id="another graph"),
        pytest.param(_Branching(), "_Branching can't be written as an ONNX graph", id="no graph"),
        pytest.param(_OneSize(), "for any number of pictures, only for batches of 2", id="one size of batch"),
    ],
)
def test_a_wrong_model_is_not_published(net: nn.Module, says: str, tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    output.write_bytes(b"the model of yesterday")
    with pytest.raises(SmserveError, match=says):
        export(net, output)
    assert output.read_bytes() == b"the model of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_bad_arguments(tmp_path: Path) -> None:
    for pictures, error in (([], InvalidInput), ([("text", b"no picture")], InvalidImage)):
        with pytest.raises(error):
            export_model(
                small(),
                rule=square(32),
                name="test",
                provenance={},
                check_pictures=pictures,
                neighbour_pictures=None,
                output=tmp_path / "model.onnx",
            )
    (tmp_path / "file").write_text("")
    with pytest.raises(SmserveError, match="can't be written"):
        export(small(), tmp_path / "file" / "model.onnx")

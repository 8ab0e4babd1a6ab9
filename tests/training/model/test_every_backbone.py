"""What holds for a network around any backbone: it exports, it agrees, it takes what it can and refuses the rest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from smserve.embedder import Embedder
from smserve.errors import InvalidInput
from smserve.images import ResizeRule
from tests.support.pictures import COLORS, draw, encode
from training.config import ModelConfig
from training.export import export_model
from training.model import build_model, check_picture_size

SIDE = 32


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pooling"),
    [
        ("resnet18", "gem"),
        ("mobilenet_v3_small", "both"),
        ("efficientnet_b0", "max"),
        ("shufflenet_v2_x0_5", "own"),
        ("regnet_y_400mf", "own"),
        ("convnext_tiny", "own"),
        ("timm:test_resnet", "mean"),
        ("mobilenet_v2", "multilevel"),
        ("swin_t", "multilevel"),
        ("timm:test_resnet", "multilevel"),
    ],
)
def test_the_model_file_computes_what_torch_does(name: str, pooling: Any, tmp_path: Path) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm", reason="timm is not installed: pip install 'smserve[timm]'")
    torch.manual_seed(0)
    config = ModelConfig(backbone=name, weights="none", pooling=pooling, dimension=16, fold_batch_norm=True)
    net = build_model(config).eval()
    export_model(  # refuses where ONNX Runtime and torch differ
        net,
        rule=ResizeRule(size=SIDE, height=SIDE, width=SIDE),
        name=name,
        provenance={},
        check_pictures=[(color, encode(draw(color))) for color in COLORS],
        neighbour_pictures=None,
        output=tmp_path / "model.onnx",
    )
    pixels = torch.randint(0, 256, (5, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with torch.inference_mode():
        expected = net(pixels)
    found = torch.from_numpy(Embedder(tmp_path / "model.onnx").embed(pixels.numpy()))
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_size_that_a_network_cant_take_is_refused() -> None:
    config = ModelConfig(backbone="squeezenet1_1", weights="none", dimension=4)
    net = build_model(config).train()
    with pytest.raises(InvalidInput, match=r"squeezenet1_1 can't take pictures of 8 x 8 pixels \(.*input_size to 224"):
        check_picture_size(net, config, 8, 8)
    assert net.training
    enlarged = replace(config, input_size=64)
    check_picture_size(build_model(enlarged), enlarged, 8, 8)
    smaller = replace(config, input_size=6)
    with pytest.raises(InvalidInput, match="can't take pictures of 6 x 6 pixels"):
        check_picture_size(build_model(smaller), smaller, 64, 64)


@pytest.mark.parametrize("name", ["convnext_tiny", "timm:mobilenetv3_small_050"])
def test_each_weight_that_is_trained_gets_a_gradient(name: str) -> None:
    if name.startswith("timm:"):
        pytest.importorskip("timm", reason="timm is not installed: pip install 'smserve[timm]'")
    pixels = torch.randint(0, 256, (2, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    own, pooled = (
        build_model(ModelConfig(backbone=name, weights="none", dimension=4, pooling=pooling)).train()
        for pooling in ("own", "max")
    )
    pooled(pixels)[:, 0].sum().backward()
    assert all((weight.grad is not None) is weight.requires_grad for weight in pooled.parameters())
    trained = [sum(weight.requires_grad for weight in net.parameters()) for net in (own, pooled)]
    assert trained[1] < trained[0]  # the norm, or the layer, after the pooling

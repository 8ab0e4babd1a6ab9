from dataclasses import replace

import pytest
import torch

from tests.training.tiny import classes_config
from training.model import build_model
from training.trainer.precision import backbone_precision

pytestmark = pytest.mark.usefixtures("tiny_runs")
CPU = torch.device("cpu")
PIXELS = torch.randint(0, 256, (12, 20, 20, 3), generator=torch.Generator().manual_seed(0)).byte()


def test_auto_is_float32_on_a_cpu() -> None:
    with backbone_precision(classes_config(), CPU):
        assert not torch.is_autocast_enabled("cpu")
    with backbone_precision(replace(classes_config(), precision="bfloat16"), CPU):
        assert torch.is_autocast_enabled("cpu")


def test_the_backbone_alone_is_rounded() -> None:
    config = replace(classes_config(), precision="bfloat16")
    net = build_model(config.model).eval()
    seen: list[torch.dtype] = []
    net.backbone.register_forward_hook(lambda _module, _inputs, features: seen.append(features.dtype))
    net.head.register_forward_hook(lambda _module, _inputs, embeddings: seen.append(embeddings.dtype))
    exact = net(PIXELS)
    with backbone_precision(config, CPU):
        rounded = net(PIXELS)
    assert seen == [torch.float32, torch.float32, torch.bfloat16, torch.float32]
    assert rounded.dtype == torch.float32
    assert rounded.detach().norm(dim=1) == pytest.approx(torch.ones(12), abs=1e-6)  # bfloat16: off by 1e-3
    assert not torch.equal(rounded, exact)
    assert (rounded * exact).sum(1).min() > 0.99
    rounded.square().sum().backward()
    slopes = [weight.grad for weight in net.parameters() if weight.requires_grad]
    assert all(slope is not None and slope.dtype == torch.float32 for slope in slopes)

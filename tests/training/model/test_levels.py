import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smserve.errors import InvalidInput
from tests.training.tiny import TinyBackbone
from training.config import ModelConfig
from training.model import Backbone, EmbeddingNet, build_model
from training.model.levels import Levels

pytestmark = pytest.mark.usefixtures("tiny_runs")
IMAGES = torch.randn((2, 3, 20, 20), generator=torch.Generator().manual_seed(0))
PIXELS = torch.randint(0, 256, (5, 20, 20, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


class Stages(Backbone):
    """Stages of choice; the feature map is what the last one makes."""

    width = 8
    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, *stages: nn.Module) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*stages)

    def forward(self, images: Tensor) -> Tensor:
        return self.feature_map(images).mean((2, 3))

    def feature_map(self, images: Tensor) -> Tensor:
        found: Tensor = self.trunk(images)
        return found

    def stages(self) -> list[nn.Module]:
        return list(self.trunk)


class Turned(nn.Module):
    """(N, C, h, w) to (N, h, w, C), or back."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, found: Tensor) -> Tensor:
        return found.permute(self.order)


def tiny() -> EmbeddingNet:
    torch.manual_seed(0)
    return build_model(ModelConfig(backbone="tiny", dimension=6, pooling="multilevel"))


def test_the_mean_and_the_maximum_of_each_level() -> None:
    backbone = TinyBackbone("none").eval()
    levels = Levels(backbone)
    early = backbone.norm(backbone.first(IMAGES))
    late = backbone.second(F.relu(early))
    expected = torch.cat([early.mean((2, 3)), early.amax((2, 3)), late.mean((2, 3)), late.amax((2, 3))], dim=1)
    own, found = levels.features(backbone, IMAGES)
    assert levels.width == 2 * (16 + 24)
    assert torch.equal(own, backbone(IMAGES))
    assert torch.allclose(found, expected)
    assert not found.requires_grad


def test_of_each_shape_the_last_and_not_the_feature_map_itself() -> None:
    down, same, last = nn.Conv2d(3, 5, 3, 2, 1), nn.Conv2d(5, 5, 3, 1, 1), nn.Conv2d(5, 8, 3, 2, 1)
    backbone = Stages(down, same, last, nn.Conv2d(8, 8, 1))
    levels = Levels(backbone)
    assert levels.width == 2 * (5 + 8)
    found = levels.features(backbone, IMAGES)[1]
    assert torch.equal(found[:, 5:10], same(down(IMAGES)).amax((2, 3)))


def test_of_many_the_last_five() -> None:
    stages = [nn.Conv2d(3, 2, 1), *(nn.Conv2d(width, width + 1, 1) for width in range(2, 8))]
    assert Levels(Stages(*stages)).width == 2 * (3 + 4 + 5 + 6 + 7)


def test_maps_whose_channels_come_last() -> None:
    """As those of Swin do."""
    one, other, last = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1), nn.Conv2d(6, 8, 1)
    stages = [nn.Sequential(one, Turned(0, 2, 3, 1)), nn.Sequential(Turned(0, 3, 1, 2), other), last]
    backbone = Stages(*stages)
    levels = Levels(backbone)
    assert levels.width == 2 * (4 + 6)
    assert torch.allclose(levels.features(backbone, IMAGES)[1][:, :4], one(IMAGES).mean((2, 3)))


def test_a_network_without_levels_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"pooling is 'multilevel'.* has 1 shape of maps; use pooling own, mean"):
        Levels(Stages(nn.Conv2d(3, 8, 16, 16), nn.Conv2d(8, 8, 1)))
    with pytest.raises(InvalidInput, match=r"has 0 shapes of maps") as caught:
        Levels(Stages(nn.Flatten(), nn.Unflatten(1, (3, 224, 224))))
    assert caught.value.field == "model.pooling"


def test_finding_them_changes_nothing() -> None:
    backbone = TinyBackbone("none").train()
    before = copy.deepcopy(backbone.state_dict())
    Levels(backbone)
    assert backbone.training
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name])


def test_until_it_is_fitted_a_network_is_as_without_levels() -> None:
    torch.manual_seed(0)
    plain = build_model(ModelConfig(backbone="tiny", dimension=6)).eval()
    net = tiny().eval()
    assert net.head.get_parameter("weight").shape == (6, 24 + 2 * (16 + 24))
    assert torch.allclose(net(PIXELS), plain(PIXELS))


def test_a_fitted_head_takes_the_own_features_and_those_of_the_levels() -> None:
    net = tiny().eval()
    weight, bias = (nn.init.normal_(net.head.get_parameter(name)) for name in ("weight", "bias"))
    assert net.levels is not None
    features = torch.cat(net.levels.features(net.backbone, net.normalise(PIXELS)), dim=1)
    assert torch.allclose(net(PIXELS), F.normalize(F.linear(features, weight, bias), dim=1), atol=1e-6)


def test_a_copy_has_levels_of_its_own_backbone() -> None:
    net = tiny().eval()
    nn.init.normal_(net.head.get_parameter("weight"))
    expected = net(PIXELS)
    other = copy.deepcopy(net)
    nn.init.zeros_(net.backbone.get_parameter("first.weight"))
    assert torch.equal(other(PIXELS), expected)
    assert not torch.allclose(net(PIXELS), expected)


def test_a_loss_teaches_what_is_made_of_the_own_features_alone() -> None:
    net = tiny()
    nn.init.normal_(net.head.get_parameter("weight"))
    net(PIXELS)[:, 0].sum().backward()
    assert all(weight.grad is not None for weight in net.backbone.parameters())
    gradient = net.head.get_parameter("weight").grad
    assert gradient is not None
    assert gradient[:, :24].abs().sum() > 0
    assert gradient[:, 24:].abs().sum() == 0


def test_without_head_the_backbones_own_features_alone() -> None:
    net = build_model(ModelConfig(backbone="tiny", pooling="multilevel"), with_head=False).eval()
    assert net(PIXELS).shape == (5, 24)

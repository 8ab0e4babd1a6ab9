import pytest
import torch
from torch import nn

from smserve.errors import InvalidInput
from training.config import ModelConfig
from training.model import EmbeddingNet, build_model

pytestmark = pytest.mark.usefixtures("tiny_runs")
PIXELS = torch.randint(0, 256, (5, 20, 20, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def tiny(seed: int = 0, *, with_head: bool = True, **settings: object) -> EmbeddingNet:
    torch.manual_seed(seed)
    return build_model(ModelConfig(backbone="tiny", dimension=6, **settings), with_head=with_head)  # type: ignore[arg-type] # settings of several types


def with_statistics(net: EmbeddingNet) -> EmbeddingNet:
    """Give the batch norm something to fold."""
    norm = net.backbone.get_submodule("norm")
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            assert tensor is not None
            tensor.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(1))
    return net


def test_pixels_in_unit_vectors_out() -> None:
    found = tiny().eval()(PIXELS)
    assert (found.shape, found.dtype) == ((5, 6), torch.float32)
    assert found.norm(dim=1).tolist() == pytest.approx([1] * 5)


def test_without_head_the_pooled_features() -> None:
    net = tiny(with_head=False).eval()
    images = (PIXELS.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5  # what mean and std say
    expected = nn.functional.normalize(net.backbone(images), dim=1)
    assert torch.allclose(net(PIXELS), expected, atol=1e-6)
    assert net(PIXELS).shape == (5, 24)


def test_pictures_are_enlarged_inside() -> None:
    seen: list[torch.Size] = []
    net = tiny(input_size=32).eval()
    net.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    assert net(PIXELS).shape == (5, 6)
    assert seen == [(5, 3, 32, 32)]


def test_the_head_alone_depends_on_the_seed_and_can_be_orthogonal() -> None:
    weight = tiny(head_init="orthogonal").head.get_parameter("weight").detach()  # (6, 24)
    assert torch.allclose(weight @ weight.T, torch.eye(6), atol=1e-5)
    first, second = (tiny(seed).head.get_parameter("weight") for seed in (0, 1))
    assert not torch.equal(first, second)


def test_frozen_batch_norm_keeps_its_statistics_in_training() -> None:
    for freeze in (True, False):
        net = with_statistics(tiny(freeze_batch_norm=freeze)).train()
        before = net.backbone.get_buffer("norm.running_mean").clone()
        net(PIXELS)
        assert net.training
        assert torch.equal(net.backbone.get_buffer("norm.running_mean"), before) is freeze


def test_folding_batch_norm_changes_nothing_that_is_computed() -> None:
    plain = with_statistics(tiny()).eval()
    expected = plain(PIXELS)
    plain.backbone.fold_batch_norm()
    assert not any(isinstance(each, nn.BatchNorm2d) for each in plain.modules())
    assert torch.allclose(plain(PIXELS), expected, atol=1e-5)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in tiny(fold_batch_norm=True).modules())


def test_frozen_blocks_get_no_gradient() -> None:
    free, frozen = tiny(), tiny(frozen_blocks=1)  # the stem and one block: all of this backbone
    for net in (free, frozen):
        net(PIXELS).sum().backward()
    assert all(weight.grad is not None for weight in free.backbone.parameters())
    assert all(weight.grad is None for weight in frozen.backbone.parameters())
    assert frozen.head.get_parameter("weight").grad is not None


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"backbone is 'vgg'; wanted efficientnet_lite0, .*; did you mean vgg"):
        build_model(ModelConfig(backbone="vgg"))


@pytest.mark.parametrize(("pooling", "width"), [("own", 24), ("mean", 24), ("max", 24), ("both", 48), ("gem", 24)])
def test_the_head_takes_what_the_pooling_gives(pooling: str, width: int) -> None:
    net = tiny(pooling=pooling).eval()
    assert net.head.get_parameter("weight").shape == (6, width)
    assert net(PIXELS).shape == (5, 6)
    assert tiny(pooling=pooling, with_head=False).eval()(PIXELS).shape == (5, width)


def test_mean_pooling_is_the_tiny_backbones_own() -> None:
    assert torch.allclose(tiny(pooling="mean").eval()(PIXELS), tiny().eval()(PIXELS))
    assert not torch.allclose(tiny(pooling="max").eval()(PIXELS), tiny().eval()(PIXELS))
    powered = tiny(pooling="gem", gem_power=1.0).eval()  # after a ReLU the generalised mean with p = 1 is the mean
    assert torch.allclose(powered(PIXELS), tiny().eval()(PIXELS), atol=1e-4)

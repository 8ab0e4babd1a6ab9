import pytest
import torch
from torch import Tensor, nn

from smserve.errors import InvalidInput
from training.model.folding import fold_neighbours, fold_pair
from training.model.torchvision_backbone import torchvision_backbone

NOISE = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(1))


def give_statistics(net: nn.Module) -> None:
    """Let batch norms do something: as built they do nothing."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for norm in net.modules():
            if isinstance(norm, nn.BatchNorm2d):
                for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
                    assert tensor is not None
                    tensor.uniform_(0.5, 1.5, generator=generator)


@pytest.mark.parametrize(
    ("name", "left"), [("resnet18", 0), ("mobilenet_v3_small", 0), ("shufflenet_v2_x0_5", 0), ("densenet121", 62)]
)
def test_the_same_is_computed_without_batch_norms(name: str, left: int) -> None:
    torch.manual_seed(0)
    net = torchvision_backbone(name, "none")
    give_statistics(net)
    state = torch.get_rng_state()
    with torch.inference_mode():
        expected = net.eval()(NOISE)
    net.train()
    net.fold_batch_norm()
    assert net.training
    assert torch.equal(torch.get_rng_state(), state), "a head that is drawn afterwards must not change"
    assert sum(isinstance(each, nn.BatchNorm2d) for each in net.modules()) == left
    with torch.inference_mode():
        assert torch.allclose(net.eval()(NOISE), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


class _Crossed(nn.Module):
    """A norm that is declared after a convolution, and comes before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.conv(self.norm(images)).mean((2, 3))
        return found


def test_an_order_that_is_another_one_is_refused() -> None:
    net = _Crossed()
    give_statistics(net)
    with pytest.raises(InvalidInput, match=r"_Crossed can't fold its batch norms.*set model\.fold_batch_norm to false"):
        fold_neighbours(net, 16)


def test_an_activation_inside_a_norm_stays() -> None:
    class Activated(nn.BatchNorm2d):
        def __init__(self) -> None:
            super().__init__(2)
            self.act = nn.ReLU()

    owner = nn.Sequential(nn.Conv2d(3, 2, 1), Activated())
    fold_pair(owner, "0", "1")
    assert isinstance(owner[1], nn.ReLU)

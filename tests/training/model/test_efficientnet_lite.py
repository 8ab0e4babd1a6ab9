from pathlib import Path

import pytest
import torch
from torch import nn

from smserve.errors import InvalidInput
from training.model.efficientnet_lite import EfficientNetLite0

IMAGES = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def pretrained() -> EfficientNetLite0:
    return EfficientNetLite0("pretrained").eval()


def test_features_of_the_packages_own_network(pretrained: EfficientNetLite0, capfd: pytest.CaptureFixture[str]) -> None:
    assert capfd.readouterr().out == ""  # the package prints; we don't
    features = pretrained(IMAGES)
    assert features.shape == (2, 1280)
    assert torch.allclose(features, pretrained.net.extract_features(IMAGES).mean((2, 3)))


def test_normalisation_is_the_networks_own(pretrained: EfficientNetLite0) -> None:
    pixel = 200.0
    assert (pixel / 255 - pretrained.mean[0]) / pretrained.std[0] == pytest.approx((pixel - 127) / 128)


def test_folding_computes_the_same_without_batch_norm(pretrained: EfficientNetLite0) -> None:
    expected = pretrained(IMAGES).detach()
    folded = EfficientNetLite0("pretrained").eval()
    folded.fold_batch_norm()
    assert not any(isinstance(each, nn.BatchNorm2d) for each in folded.modules())
    assert torch.allclose(folded(IMAGES), expected, atol=1e-3, rtol=1e-3)


def test_stages_hold_stem_and_blocks(pretrained: EfficientNetLite0) -> None:
    assert len(pretrained.stages()) == 17
    inside = {id(weight) for stage in pretrained.stages() for weight in stage.parameters()}
    outside = [name for name, weight in pretrained.named_parameters() if id(weight) not in inside]
    assert outside == ["net._conv_head.weight", "net._bn1.weight", "net._bn1.bias"]


def test_weights_from_a_file(pretrained: EfficientNetLite0, tmp_path: Path) -> None:
    path = tmp_path / "lite0.pth"
    torch.save({**pretrained.net.state_dict(), "_fc.bias": torch.zeros(1000)}, path)  # a classifier is passed over
    assert torch.equal(EfficientNetLite0(str(path)).eval()(IMAGES), pretrained(IMAGES))
    assert not torch.equal(EfficientNetLite0("none").eval()(IMAGES), pretrained(IMAGES))
    with pytest.raises(InvalidInput, match="there is no file of weights"):
        EfficientNetLite0(str(tmp_path / "missing.pth"))

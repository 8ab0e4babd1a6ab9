import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from smserve.errors import InvalidInput, Unavailable
from training.model import find_backbone

timm: Any = pytest.importorskip("timm", reason="timm is not installed: pip install 'smserve[timm]'")


def images(side: int) -> Tensor:
    return torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "side", "places"),
    [
        ("test_resnet", 64, (96, 2, 2)),
        ("test_convnext", 64, (64, 2, 2)),
        ("test_vit", 160, (64, 100, 1)),
        ("mobilenetv3_small_050", 64, (288, 2, 2)),
    ],
)
def test_features_are_what_timms_classifier_takes(
    name: str, side: int, places: tuple[int, ...], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    whole = timm.create_model(name).eval()
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    backbone = find_backbone(f"timm:{name}")(str(tmp_path / "model.safetensors")).eval()
    with torch.inference_mode():
        features = backbone(images(side))
        assert features.shape == (2, backbone.width)
        assert torch.allclose(whole.get_classifier()(features), whole(images(side)), atol=1e-5)
        assert backbone.feature_map(images(side)).shape == (2, *places)
    assert backbone.map_width == places[0]
    assert backbone.mean == tuple(whole.pretrained_cfg["mean"])
    staged = {id(weight) for stage in backbone.stages() for weight in stage.parameters()}
    assert len(staged) > 0.8 * len(list(backbone.parameters()))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timm:test_resnett", r"has no such network; did you mean timm:test_resnet[,?]"),
        ("timm:resnet50.a1", r"has no such weights; did you mean timm:resnet50\."),
        ("timm:", "has no such network"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        find_backbone(name)


def test_without_network_the_message_says_where_and_how(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # the library's own switch: no test may go to the network
    with pytest.raises(Unavailable) as caught:
        find_backbone("timm:test_resnet")("pretrained")
    assert "test_resnet's weights can't be downloaded" in caught.value.message
    assert "model.safetensors of timm/test_resnet.r160_in1k" in caught.value.message
    assert "--weights FILE" in caught.value.message


def test_weights_that_nobody_published() -> None:
    with pytest.raises(InvalidInput, match="timm publishes no weights for test_mambaout; give a file with --weights"):
        find_backbone("timm:test_mambaout")("pretrained")


def test_without_timm_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "timm", None)  # Python's own way to make an import fail
    with pytest.raises(Unavailable, match=r"pip install 'smserve\[timm\]'"):
        find_backbone("timm:test_resnet")

"""Pooled features of torchvision's networks, held against the networks themselves."""

import copy
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from smserve.errors import InvalidInput, Unavailable
from training.config import ModelConfig
from training.model import EmbeddingNet, backbone_names, check_picture_size, find_backbone
from training.model.torchvision_backbone import TorchvisionTransformer, torchvision_backbone, torchvision_names

CLASSIFIERS = {
    "resnet18": "fc",
    "shufflenet_v2_x0_5": "fc",
    "regnet_y_400mf": "fc",
    "efficientnet_b0": "classifier",
    "mobilenet_v2": "classifier",
    "mobilenet_v3_small": "classifier",
    "mnasnet0_5": "classifier",
    "densenet121": "classifier",
    "swin_t": "head",
}
"""A network of each family whose classifier takes the pooled features as they are."""


def images(side: int = 64, count: int = 2) -> Tensor:
    return torch.randn((count, 3, side, side), generator=torch.Generator().manual_seed(0))


def write_whole(name: str, path: Path, **options: Any) -> nn.Module:
    """Write a whole network's weights, classifier and all, as torchvision publishes them; return the network."""
    torch.manual_seed(0)
    net: nn.Module = torchvision.models.get_model(name, **options).eval()
    torch.save(net.state_dict(), path)
    return net


@pytest.mark.parametrize(("name", "classifier"), CLASSIFIERS.items())
def test_features_are_what_the_classifier_of_torchvision_takes(name: str, classifier: str, tmp_path: Path) -> None:
    whole = write_whole(name, tmp_path / "net.pth")
    backbone = torchvision_backbone(name, str(tmp_path / "net.pth")).eval()
    with torch.inference_mode():
        features = backbone(images())
        expected = whole(images())
        assert features.shape == (2, backbone.width)
        assert torch.allclose(whole.get_submodule(classifier)(features), expected, atol=1e-4, rtol=1e-4)
        places = backbone.feature_map(images())
        assert places.shape[:2] == (2, backbone.map_width)
    assert name in backbone_names()


def test_a_norm_after_the_pooling_is_kept(tmp_path: Path) -> None:
    whole: Any = write_whole("convnext_tiny", tmp_path / "net.pth")
    backbone = torchvision_backbone("convnext_tiny", str(tmp_path / "net.pth")).eval()
    with torch.inference_mode():
        assert torch.allclose(whole.classifier[2](backbone(images(32))), whole(images(32)), atol=1e-5)


def test_of_a_transformer_the_class_token_and_the_patches() -> None:
    torch.manual_seed(0)
    whole = torchvision.models.VisionTransformer(
        image_size=64, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=32
    ).eval()
    torch.nn.init.normal_(whole.heads.head.weight)  # zeros as built
    backbone = TorchvisionTransformer(copy.deepcopy(whole)).eval()
    with torch.inference_mode():
        assert torch.allclose(whole.heads(backbone(images())), whole(images()), atol=1e-5)
        assert backbone.feature_map(images()).shape == (2, 32, 16, 1)
    assert len(backbone.stages()) == 3
    config = ModelConfig(backbone="vit_b_32")
    backbone.mean = backbone.std = (0.5, 0.5, 0.5)
    net = EmbeddingNet(backbone, nn.Identity(), config)
    check_picture_size(net, config, 64, 64)
    with pytest.raises(InvalidInput, match=r"pictures of 64 x 96 pixels \(.*set model\.input_size to 224"):
        check_picture_size(net, config, 64, 96)


def test_a_transformer_is_built_for_the_size_of_its_weights() -> None:
    with torch.device("meta"):  # shapes alone
        backbone = torchvision_backbone("vit_b_32", "none")
        assert backbone(torch.zeros((1, 3, 224, 224))).shape == (1, 768)
    assert (backbone.usual_size, backbone.width) == (224, 768)


def test_inception_computes_what_torchvision_does_with_its_own_preprocessing(tmp_path: Path) -> None:
    whole: Any = write_whole("inception_v3", tmp_path / "net.pth", init_weights=False, transform_input=True)
    backbone = torchvision_backbone("inception_v3", str(tmp_path / "net.pth")).eval()
    pixels = torch.rand((1, 3, 96, 96), generator=torch.Generator().manual_seed(0))  # in [0, 1]
    usual = torchvision.transforms.functional.normalize(pixels, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.inference_mode():
        ours = backbone(torchvision.transforms.functional.normalize(pixels, backbone.mean, backbone.std))
        assert torch.allclose(whole.fc(ours), whole(usual), atol=1e-4)


def test_without_fully_connected_layers_the_last_convolution_is_pooled(tmp_path: Path) -> None:
    whole: Any = write_whole("squeezenet1_1", tmp_path / "net.pth")
    backbone = torchvision_backbone("squeezenet1_1", str(tmp_path / "net.pth")).eval()
    with torch.inference_mode():
        found = backbone(images())
        assert found.shape == (2, 512)
        assert torch.allclose(found, whole.features(images()).mean((2, 3)))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1"])
def test_all_that_is_learnt_is_in_the_stages_once(name: str) -> None:
    backbone = torchvision_backbone(name, "none")
    staged = [id(weight) for stage in backbone.stages() for weight in stage.parameters()]
    assert sorted(staged) == sorted(id(weight) for weight in backbone.parameters())
    backbone.freeze_stages(2)
    frozen = {id(weight) for stage in backbone.stages()[:2] for weight in stage.parameters()}
    assert all(weight.requires_grad is (id(weight) not in frozen) for weight in backbone.parameters())


def test_pretrained_are_the_published_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = torchvision.models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.url
    kept = tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2]  # as if downloaded before
    kept.parent.mkdir(parents=True)
    whole: Any = write_whole("shufflenet_v2_x0_5", kept)
    with torch.inference_mode():
        features = torchvision_backbone("shufflenet_v2_x0_5", "pretrained").eval()(images())
        assert torch.equal(whole.fc(features), whole(images()))


def test_without_network_the_message_says_where_and_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", refuse)  # no test may go to the network
    with pytest.raises(Unavailable) as caught:
        torchvision_backbone("resnet18", "pretrained")
    assert "resnet18's ImageNet weights can't be downloaded (no route to host)" in caught.value.message
    assert "download https://download.pytorch.org/models/resnet18-" in caught.value.message
    assert "--weights FILE" in caught.value.message


def test_older_names_of_densenets_layers_are_understood(tmp_path: Path) -> None:
    whole: Any = write_whole("densenet121", tmp_path / "net.pth")
    renamed = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value
        for name, value in whole.state_dict().items()
    }
    assert renamed.keys() != whole.state_dict().keys()
    torch.save(renamed, tmp_path / "old.pth")
    with torch.inference_mode():
        features = torchvision_backbone("densenet121", str(tmp_path / "old.pth")).eval()(images(32))
        assert torch.allclose(whole.classifier(features), whole(images(32)), atol=1e-5)


def test_every_name_of_torchvision_is_of_a_family_that_is_known() -> None:
    from training.model.torchvision_parts import _FAMILIES

    for name in torchvision_names():
        family = inspect.signature(torchvision.models.get_model_builder(name)).return_annotation.__name__
        assert family in _FAMILIES or family in {"GoogLeNet", "VisionTransformer"}, name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet51", r"backbone is 'resnet51'; wanted .*; did you mean resnet50, "),
        ("torchvision:mobilenet_v3_smal", "did you mean mobilenet_v3_small, "),
        ("torchvision:efficientnet_lite0", "did you mean efficientnet_lite0"),
        ("efficientnetlite0", "did you mean efficientnet_lite0"),
        ("timmy:resnet50", "wanted efficientnet_lite0, googlenet, .*another classification network of torchvision"),
        ("", "backbone is ''"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        find_backbone(name)
    assert caught.value.field == "model.backbone"


def test_torchvision_may_stand_before_a_name() -> None:
    assert type(find_backbone("torchvision:resnet18")("none")) is type(find_backbone("resnet18")("none"))
    assert type(find_backbone("torchvision:googlenet")("none")).__name__ == "GoogLeNet"

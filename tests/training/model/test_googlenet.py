import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision

from smserve.errors import InvalidInput, Unavailable
from training.model.googlenet import GoogLeNet


@pytest.fixture(scope="module")
def net() -> GoogLeNet:
    torch.manual_seed(0)
    return GoogLeNet("none").eval()


def test_computes_what_torchvision_does_with_its_own_preprocessing(net: GoogLeNet) -> None:
    reference = torchvision.models.googlenet(init_weights=False, aux_logits=False, transform_input=True).eval()
    reference.fc = torch.nn.Identity()
    reference.load_state_dict(net.net.state_dict())
    pixels = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))  # in [0, 1]
    preset = torchvision.models.GoogLeNet_Weights.IMAGENET1K_V1.transforms()
    theirs = (pixels - torch.tensor(preset.mean).view(3, 1, 1)) / torch.tensor(preset.std).view(3, 1, 1)
    ours = (pixels - torch.tensor(net.mean).view(3, 1, 1)) / torch.tensor(net.std).view(3, 1, 1)
    assert net(ours).shape == (2, 1024)
    assert torch.allclose(net(ours), reference(theirs), atol=1e-5)


def test_training_has_no_auxiliary_heads(net: GoogLeNet) -> None:
    net.train()
    try:
        assert net(torch.zeros((2, 3, 64, 64))).shape == (2, 1024)
    finally:
        net.eval()
    assert not any("aux" in name for name, _ in net.named_parameters())


def test_stages_hold_all_that_is_learnt(net: GoogLeNet) -> None:
    staged = sum(weight.numel() for stage in net.stages() for weight in stage.parameters())
    assert staged == sum(weight.numel() for weight in net.parameters()) == 5_599_904


def test_weights_from_torchvisions_file(net: GoogLeNet, tmp_path: Path) -> None:
    path = tmp_path / "googlenet.pth"
    whole = torchvision.models.googlenet(init_weights=False, aux_logits=True)  # with classifier and auxiliary heads
    whole.load_state_dict(net.net.state_dict(), strict=False)
    torch.save(whole.state_dict(), path)
    images = torch.zeros((1, 3, 64, 64))
    assert torch.equal(GoogLeNet(str(path)).eval()(images), net(images))


def test_without_network_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)  # no test may go to the network
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    with pytest.raises(Unavailable, match=r"no route to host.*download https://.*/googlenet-.*\.pth .* --weights FILE"):
        GoogLeNet("pretrained")


@pytest.mark.parametrize("content", ["text", "tensor", "another net", "folder"])
def test_files_that_are_no_weights(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if content == "text":
        path.write_text("no weights")
    elif content == "tensor":
        torch.save(torch.ones(3), path)
    elif content == "another net":
        torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    else:
        path.mkdir()
    with pytest.raises(InvalidInput, match=f"file of weights {path}"):
        GoogLeNet(str(path))

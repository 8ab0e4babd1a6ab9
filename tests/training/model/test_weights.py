import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from smserve.errors import InvalidInput
from training.model.weights import load_weights

WANTED = {"0.weight": torch.full((2, 3), 0.5), "0.bias": torch.full((2,), 0.25)}


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.pth", WANTED),
        ("classifier.pth", {**WANTED, "fc.weight": torch.ones(1)}),  # passed over
        ("checkpoint.pth", {"state_dict": WANTED, "epoch": 3}),
        ("checkpoint.pt", {"model": WANTED}),
        ("parallel.pth", {f"module.{name}": value for name, value in WANTED.items()}),
        ("state.safetensors", WANTED),
    ],
)
def test_what_trainers_write_is_read(name: str, content: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    loaded = net()
    load_weights(loaded, path)
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in WANTED.items())


class _Harmful:
    """What a pickle may hold: a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_nothing_in_a_file_is_executed(writer: str, tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    path = tmp_path / "weights.pth"
    content = {"0.weight": _Harmful(trace)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(InvalidInput, match=f"file of weights {path} can't be used"):
        load_weights(net(), path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.pth", None, "there is no file of weights"),
        ("empty.pth", b"", "can't be used"),
        ("text.pth", b"no weights", "can't be used"),
        ("text.safetensors", b"no weights at all", "can't be used"),
        ("cut.safetensors", "cut", "can't be used"),
        ("list.pth", [1, 2], "it holds no state dict"),
        ("numbers.pth", {"epoch": 3}, "it holds no state dict"),
        ("lacking.pth", {"0.weight": WANTED["0.weight"]}, "lacks 1 entries that the backbone has, 0.bias the first"),
        ("other.pth", {**WANTED, "0.weight": torch.zeros((2, 4))}, "is another network's: size mismatch for 0.weight"),
    ],
)
def test_what_is_no_weights_is_refused(name: str, content: Any, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "cut":
        save_file(WANTED, path)
        path.write_bytes(path.read_bytes()[:-5])
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InvalidInput) as caught:
        load_weights(net(), path)
    assert says in caught.value.message
    assert str(path) in caught.value.message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be used"):
        load_weights(net(), tmp_path)

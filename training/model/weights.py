"""Weights from a file or a download; nothing in either is executed."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from smserve.errors import InvalidInput, Unavailable

__all__ = ["download_weights", "load_weights", "put_weights"]

_WRAPPERS = ("state_dict", "model", "model_state_dict")  # what trainers call the state dict in their checkpoints
_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(\d)")  # torchvision's files are older than its layers


class _StateDict(dict[str, Tensor]):
    """With the versions of its layers, where torch looks for them; MNASNet's can't be loaded without."""

    def __init__(self, entries: Mapping[str, Tensor], versions: Any) -> None:
        super().__init__(entries)
        self._metadata = versions


def load_weights(net: nn.Module, path: Path) -> None:
    """Load a file's state dict into a net; entries for layers that it has not (a classifier, say) are passed over.

    Args:
        net: Changed in place.
        path: `.safetensors`, or what `torch.save` wrote: a state dict, or a checkpoint that has one by its usual name.

    Raises:
        InvalidInput: There is no such file, it is no state dict, or layers of the net are missing in it.
    """
    try:
        put_weights(net, _read(path), str(path))
    except FileNotFoundError:
        raise InvalidInput(f"there is no file of weights {path}; check the path", field="weights") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidInput(f"file of weights {path} can't be used: {reason}", field="weights") from None


def put_weights(net: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Put a state dict into a net, as `load_weights` does.

    Raises:
        InvalidInput: Layers of the net are missing in it, or are of another shape.
    """
    versions = getattr(state, "_metadata", None) or getattr(net.state_dict(), "_metadata", None)
    try:
        outcome = net.load_state_dict(_StateDict(state, versions), strict=False)
    except RuntimeError as error:  # torch's first line says little, its second the first layer that differs
        lines = [line.strip() for line in str(error).splitlines()]
        raise InvalidInput(
            f"file of weights {origin} is another network's: {lines[min(1, len(lines) - 1)]}", field="weights"
        ) from None
    if outcome.missing_keys:
        raise InvalidInput(
            f"file of weights {origin} lacks {len(outcome.missing_keys)} entries that the backbone has, "
            f"{outcome.missing_keys[0]} the first; give a state dict of this backbone",
            field="weights",
        )


def download_weights(url: str, network: str) -> Mapping[str, Tensor]:
    """Return a published state dict, kept in torch's cache; its sum is that in its name.

    Raises:
        Unavailable: It can't be downloaded.
    """
    try:
        state = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:  # no network; not what it should be
        raise Unavailable(
            f"{network}'s ImageNet weights can't be downloaded ({error}); connect to the network, or download {url} "
            f"elsewhere and give its path with --weights FILE, or train from random ones with --weights none"
        ) from None
    return _plain(state)


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return load(path.read_bytes())
        except SafetensorError as error:
            raise ValueError(str(error)) from None
    with warnings.catch_warnings():  # of odd files, which are refused anyway if they can't be read
        warnings.simplefilter("ignore", UserWarning)
        return _plain(torch.load(path, map_location="cpu", weights_only=True))


def _plain(document: Any) -> Mapping[str, Tensor]:
    """Return the state dict of what `torch.save` wrote, under the names that the layers have today."""
    for name in _WRAPPERS:
        if isinstance(document, Mapping) and isinstance(document.get(name), Mapping):
            document = document[name]
    versions = getattr(document, "_metadata", None)
    if not isinstance(document, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in document.items()
    ):
        raise ValueError("it holds no state dict, names with tensors")
    if all(name.startswith("module.") for name in document):  # written from DistributedDataParallel
        document = {name.removeprefix("module."): value for name, value in document.items()}
    return _StateDict({_DENSENET.sub(r"\1\2", name): value for name, value in document.items()}, versions)

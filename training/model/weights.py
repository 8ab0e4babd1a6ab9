"""Weights from a file."""

import pickle
from pathlib import Path

import torch
from torch import nn

from smserve.errors import InvalidInput

__all__ = ["load_weights"]


def load_weights(net: nn.Module, path: Path) -> None:
    """Load a state dict into a net; entries for layers that it has not (a classifier, say) are passed over.

    Raises:
        InvalidInput: There is no such file, it is no state dict, or layers of the net are missing in it.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        outcome = net.load_state_dict(state, strict=False)
    except FileNotFoundError:
        raise InvalidInput(f"there is no file of weights {path}; check the path", field="weights") from None
    except (OSError, RuntimeError, pickle.UnpicklingError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidInput(f"file of weights {path} can't be used: {reason}", field="weights") from None
    if outcome.missing_keys:
        raise InvalidInput(
            f"file of weights {path} lacks {len(outcome.missing_keys)} entries that the backbone has, "
            f"{outcome.missing_keys[0]} the first; give a state dict of this backbone",
            field="weights",
        )

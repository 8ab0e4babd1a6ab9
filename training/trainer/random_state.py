"""torch's global source of chance, which layers that drop at random draw from: kept, so that a resumed run goes on."""

import torch
from torch import Tensor

__all__ = ["get_random_state", "set_random_state"]


def get_random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state on the CPU and, where a run uses it, on its CUDA device; uint8."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Take up a state; what it has not (of another kind of device) stays as it is."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)

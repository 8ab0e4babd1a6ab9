"""In which numbers the backbone computes. Head, unit norm, distances and losses are always float32."""

from contextlib import AbstractContextManager

import torch

from training.config import TrainConfig

__all__ = ["backbone_precision"]


def backbone_precision(config: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which the backbone computes as `config.precision` says.

    "auto" is bfloat16 on a CUDA device that has it. On a CPU it is float32: convolutions by depth are several times
    slower there in bfloat16. bfloat16 has the range of float32, so gradients need no scaling.
    """
    lower = config.precision == "bfloat16"
    if config.precision == "auto":
        lower = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=lower)

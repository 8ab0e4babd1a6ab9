"""Random variations of a batch of pictures; what goes in and out is the uint8 layout that serving uses.

Two kinds: the paper's random crop and flip, and a random affine warp with colour changes for small drawn pictures. Each
picture has numbers of its own, drawn from where it stands in a run, so it varies alike in whatever company and process.
"""

import math
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.config import AugmentationConfig

__all__ = ["augment", "draw_numbers"]

_NUMBERS: Final = 16  # a picture; fourteen are used


def draw_numbers(indices: NDArray[np.int64], *, seed: int, epoch: int, step: int) -> NDArray[np.float64]:
    """Return numbers (B, 16) in [0, 1) that a run, a step and a picture's index decide, by counter (Philox).

    Args:
        indices: (B,) of pictures in the training set.
        seed: Of the run.
        epoch: Counted from 1.
        step: Of the epoch, counted from 0.
    """
    key = [seed % 2**64, epoch << 32 | step]
    draws = (np.random.Generator(np.random.Philox(key=key, counter=[0, int(each), 0, 0])) for each in indices)
    return np.stack([draw.random(_NUMBERS) for draw in draws])


def augment(
    pixels: Tensor, height: int, width: int, config: AugmentationConfig, numbers: NDArray[np.float64]
) -> Tensor:
    """Vary pictures.

    Args:
        pixels: (B, S, S, 3) uint8.
        height: H of the result.
        width: W of the result.
        config: How much.
        numbers: (B, 16) from `draw_numbers`.

    Returns:
        (B, H, W, 3) uint8, contiguous, on the device of `pixels`.
    """
    draws = _Draws(numbers)
    cropped = _crop_and_flip(pixels, height, width, config, draws)
    if config.kind == "crop":
        return cropped
    floats = cropped.permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W)
    changed = _change_colors(_warp(floats, config, draws), config, draws)
    return (changed.clamp_(0, 1).mul_(255).round_()).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


class _Draws:
    """Hands out the numbers of each picture, one after the other."""

    def __init__(self, numbers: NDArray[np.float64]) -> None:
        self._columns = iter(numbers.T)

    def uniform(self, low: float, high: float) -> NDArray[np.float64]:
        """Return (B,) in [low, high)."""
        numbers: NDArray[np.float64] = next(self._columns)
        return numbers * (high - low) + low


def _crop_and_flip(pixels: Tensor, height: int, width: int, config: AugmentationConfig, draws: _Draws) -> Tensor:
    count, side = pixels.shape[:2]
    top = np.floor(draws.uniform(0, side - height + 1)).astype(np.int64)
    left = np.floor(draws.uniform(0, side - width + 1)).astype(np.int64)
    rows = top[:, None] + np.arange(height)  # (B, H)
    columns = left[:, None] + np.arange(width)  # (B, W)
    flipped = draws.uniform(0, 1) < config.flip
    columns = np.where(flipped[:, None], columns[:, ::-1], columns)
    device = pixels.device
    pictures = torch.arange(count, device=device)[:, None, None]
    down, across = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
    return pixels[pictures, down[:, :, None], across[:, None, :]]


def _warp(images: Tensor, config: AugmentationConfig, draws: _Draws) -> Tensor:
    """Scale, turn, stretch, shear and shift each picture (B, 3, H, W) by its own draw; white comes in at the edges."""
    scale = np.exp(draws.uniform(-config.scale, config.scale))
    angle = draws.uniform(-config.rotation_deg, config.rotation_deg) * (math.pi / 180)
    stretch = np.exp(draws.uniform(-config.shear, config.shear))
    shear = draws.uniform(-config.shear, config.shear)
    across, down = (draws.uniform(-2 * config.shift, 2 * config.shift) for _ in range(2))  # of [-1, 1]
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.stack([cos * stretch, shear - sin, across, sin, cos / stretch, down], 1).reshape(-1, 2, 3)
    grid = F.affine_grid(_to(images, matrix), list(images.shape), align_corners=False)
    # The sampler pads with zeros: turned to negatives, what it pads with is white.
    return 1 - F.grid_sample(1 - images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _change_colors(images: Tensor, config: AugmentationConfig, draws: _Draws) -> Tensor:
    """Turn hue, fade or strengthen colour, contrast (about white, so that the ground stays white) and brightness."""
    hue = draws.uniform(-config.hue, config.hue) * (2 * math.pi)
    images = torch.einsum("nij,njhw->nihw", _to(images, _rotation_about_gray(hue)), images)
    luma = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)  # ITU-R BT.601
    gray = (images * luma).sum(1, keepdim=True)
    strength = draws.uniform(1 - config.saturation, 1 + config.saturation)
    saturation = strength * (draws.uniform(0, 1) >= config.gray)
    images = gray + (images - gray) * _to(images, saturation).view(-1, 1, 1, 1)
    contrast = draws.uniform(1 - config.contrast, 1 + config.contrast)
    images = 1 - (1 - images) * _to(images, contrast).view(-1, 1, 1, 1)
    return images * _to(images, draws.uniform(1 - config.brightness, 1 + config.brightness)).view(-1, 1, 1, 1)


def _rotation_about_gray(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (B, 3, 3): rotations of RGB space about the gray axis, by Rodrigues' formula."""
    cos, sin = np.cos(angle), np.sin(angle)
    rest, side = (1 - cos) / 3, sin / math.sqrt(3)
    first, second, third = cos + rest, rest - side, rest + side
    return np.stack([first, second, third, third, first, second, second, third, first], 1).reshape(-1, 3, 3)


def _to(images: Tensor, numbers: NDArray[np.float64]) -> Tensor:
    """Return numbers in the type and on the device of pictures."""
    return torch.from_numpy(numbers).to(images)

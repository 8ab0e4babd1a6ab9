"""Random variations of a batch of pictures; what goes in and out is the uint8 layout that serving uses.

Two kinds: the paper's random crop and flip, and a random affine warp with colour changes for small drawn pictures.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config import AugmentationConfig

__all__ = ["augment"]


def augment(pixels: Tensor, height: int, width: int, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Vary pictures.

    Args:
        pixels: (B, S, S, 3) uint8.
        height: H of the result.
        width: W of the result.
        config: How much.
        generator: Source of chance, on the CPU.

    Returns:
        (B, H, W, 3) uint8, contiguous, on the device of `pixels`.
    """
    cropped = _crop_and_flip(pixels, height, width, config, generator)
    if config.kind == "crop":
        return cropped
    floats = cropped.permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W)
    changed = _change_colors(_warp(floats, config, generator), config, generator)
    return (changed.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _crop_and_flip(
    pixels: Tensor, height: int, width: int, config: AugmentationConfig, generator: torch.Generator
) -> Tensor:
    count, side = pixels.shape[:2]
    top = torch.randint(0, side - height + 1, (count,), generator=generator)
    left = torch.randint(0, side - width + 1, (count,), generator=generator)
    rows = top[:, None] + torch.arange(height)  # (B, H)
    columns = left[:, None] + torch.arange(width)  # (B, W)
    flipped = torch.rand(count, generator=generator) < config.flip
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    device = pixels.device
    pictures = torch.arange(count, device=device)[:, None, None]
    return pixels[pictures, rows.to(device)[:, :, None], columns.to(device)[:, None, :]]


def _warp(images: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Scale, turn, stretch, shear and shift each picture (B, 3, H, W) by its own draw; white comes in at the edges."""
    count = len(images)
    scale = _uniform(count, -config.scale, config.scale, generator).exp()
    angle = _uniform(count, -config.rotation_deg, config.rotation_deg, generator) * (math.pi / 180)
    stretch = _uniform(count, -config.shear, config.shear, generator).exp()
    shear = _uniform(count, -config.shear, config.shear, generator)
    shift = _uniform(count * 2, -2 * config.shift, 2 * config.shift, generator).view(count, 2, 1)  # of [-1, 1]
    cos, sin = angle.cos() * scale, angle.sin() * scale
    matrix = torch.stack([cos * stretch, shear - sin, sin, cos / stretch], 1).view(count, 2, 2)
    theta = torch.cat([matrix, shift], 2).to(images.device)  # (B, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    # The sampler pads with zeros: turned to negatives, what it pads with is white.
    return 1 - F.grid_sample(1 - images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _change_colors(images: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Turn hue, fade or strengthen colour, contrast (about white, so that the ground stays white) and brightness."""
    count = len(images)

    def draw(low: float, high: float) -> Tensor:
        return _uniform(count, low, high, generator).to(images.device)

    hue = draw(-config.hue, config.hue) * (2 * math.pi)
    images = torch.einsum("nij,njhw->nihw", _rotation_about_gray(hue), images)
    luma = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)  # ITU-R BT.601
    gray = (images * luma).sum(1, keepdim=True)
    saturation = draw(1 - config.saturation, 1 + config.saturation) * (draw(0, 1) >= config.gray)
    images = gray + (images - gray) * saturation.view(-1, 1, 1, 1)
    images = 1 - (1 - images) * draw(1 - config.contrast, 1 + config.contrast).view(-1, 1, 1, 1)
    return images * draw(1 - config.brightness, 1 + config.brightness).view(-1, 1, 1, 1)


def _rotation_about_gray(angle: Tensor) -> Tensor:
    """Return (B, 3, 3): rotations of RGB space about the gray axis, by Rodrigues' formula."""
    cos, sin = angle.cos(), angle.sin()
    rest, side = (1 - cos) / 3, sin / math.sqrt(3)
    first, second, third = cos + rest, rest - side, rest + side
    return torch.stack([first, second, third, third, first, second, second, third, first], 1).view(-1, 3, 3)

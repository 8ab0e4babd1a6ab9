import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.augmentation import augment, draw_numbers
from training.config import AugmentationConfig

STRONG = AugmentationConfig(
    kind="warp",
    scale=0.2,
    rotation_deg=15,
    shift=0.1,
    shear=0.1,
    brightness=0.2,
    contrast=0.3,
    saturation=0.5,
    hue=0.1,
    gray=0.1,
)


def numbers(count: int, seed: int = 0) -> NDArray[np.float64]:
    return draw_numbers(np.arange(count), seed=seed, epoch=1, step=0)


def noise(count: int = 6, side: int = 12) -> Tensor:
    return torch.randint(0, 256, (count, side, side, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def white_with_dot(count: int, side: int = 16) -> Tensor:
    pixels = torch.full((count, side, side, 3), 255, dtype=torch.uint8)
    pixels[:, side // 2 - 2 : side // 2 + 2, side // 2 - 2 : side // 2 + 2] = torch.tensor([200, 40, 40]).byte()
    return pixels


@pytest.mark.parametrize("config", [AugmentationConfig(), STRONG], ids=["crop", "warp"])
def test_the_layout_is_that_of_serving_and_the_source_stays(config: AugmentationConfig) -> None:
    pixels = noise()
    before = pixels.clone()
    result = augment(pixels, 8, 10, config, numbers(6))
    assert (result.shape, result.dtype, result.is_contiguous()) == ((6, 8, 10, 3), torch.uint8, True)
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("config", [AugmentationConfig(), STRONG], ids=["crop", "warp"])
def test_the_seed_decides(config: AugmentationConfig) -> None:
    first, again, other = (augment(noise(), 8, 8, config, numbers(6, seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("config", [AugmentationConfig(), STRONG], ids=["crop", "warp"])
def test_a_picture_varies_alike_in_whatever_company(config: AugmentationConfig) -> None:
    pixels, indices = noise(9), np.array([50, 3, 7, 1, 90, 2, 8, 4, 60])

    def vary(part: slice) -> Tensor:
        own = draw_numbers(indices[part], seed=5, epoch=2, step=9)
        return augment(pixels[part], 8, 8, config, own)

    whole = vary(slice(0, 9))
    assert torch.equal(torch.cat([vary(slice(0, 2)), vary(slice(2, 9))]), whole)
    assert torch.equal(vary(slice(4, 5)), whole[4:5])


def test_numbers_are_spread_evenly_and_differ_in_every_respect() -> None:
    found = draw_numbers(np.arange(2000), seed=0, epoch=1, step=0)
    assert found.shape == (2000, 16)
    assert 0 <= found.min() < found.max() < 1
    assert np.histogram(found, 10, (0, 1))[0] == pytest.approx(3200, abs=250)  # five deviations
    assert abs(np.corrcoef(found.T) - np.eye(16)).max() < 0.12
    others = [
        draw_numbers(np.arange(2000), seed=seed, epoch=epoch, step=step)
        for seed, epoch, step in ((1, 1, 0), (0, 2, 0), (0, 1, 1))
    ]
    everything = np.concatenate([found, *others]).ravel()
    assert len(np.unique(everything)) == len(everything)


def test_a_crop_is_a_part_of_its_own_picture_mirrored_half_of_the_time() -> None:
    pixels = noise(40)
    straight = mirrored = 0
    for source, result in zip(pixels, augment(pixels, 9, 9, AugmentationConfig(), numbers(40)), strict=True):
        windows = source.numpy()
        parts = [windows[top : top + 9, left : left + 9] for top in range(4) for left in range(4)]
        straight += any(np.array_equal(part, result.numpy()) for part in parts)
        mirrored += any(np.array_equal(part[:, ::-1], result.numpy()) for part in parts)
    assert straight + mirrored == 40
    assert 8 < mirrored < 32


def test_no_strength_changes_nothing() -> None:
    pixels = noise()
    for kind in ("crop", "warp"):
        config = AugmentationConfig(kind=kind, flip=0)
        difference = augment(pixels, 12, 12, config, numbers(6)).int() - pixels.int()
        assert difference.abs().max() <= 1  # of 255: turning colours by no angle rounds


def test_white_ground_stays_white_wherever_the_warp_reaches() -> None:
    geometry = AugmentationConfig(kind="warp", scale=0.4, rotation_deg=40, shift=0.2, shear=0.2)
    result = augment(white_with_dot(20), 16, 16, geometry, numbers(20))
    assert (result[:, [0, 0, -1, -1], [0, -1, 0, -1]] >= 254).all()  # the corners
    assert (result.float().amin((1, 2, 3)) < 200).all()  # the dot is still there


def test_scaling_is_seen() -> None:
    pixels = white_with_dot(60, 32)
    config = AugmentationConfig(kind="warp", flip=0, scale=0.5)
    areas = (augment(pixels, 32, 32, config, numbers(60))[..., 1] < 150).float().sum((1, 2))
    assert areas.min() < 12  # 16 pixels before; 6 to 43 at the ends
    assert areas.max() > 20


def test_gray_takes_colour_away() -> None:
    result = augment(white_with_dot(4), 16, 16, AugmentationConfig(kind="warp", gray=1), numbers(4)).int()
    assert (result.amax(3) - result.amin(3)).max() <= 1


def test_turning_hue_by_a_third_exchanges_the_channels() -> None:
    red = torch.zeros((200, 4, 4, 3), dtype=torch.uint8)
    red[..., 0] = 200
    result = augment(red, 4, 4, AugmentationConfig(kind="warp", hue=1 / 3), numbers(200)).int()[:, 0, 0]
    assert result[:, 1].max() > 180  # some red has become green
    assert result[:, 2].max() > 180  # some blue

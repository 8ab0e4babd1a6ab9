"""Two implementations of one filter."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from PIL import Image

from smserve.images import resampling
from smserve.images.picture import Box
from tests.support.pictures import scene

simd = pytest.mark.skipif(not resampling.USES_SIMD, reason="cykooz-resizer is not installed")


def noise(width: int, height: int) -> Image.Image:
    random = np.random.default_rng([width, height])
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def difference(image: Image.Image, side: int, box: Box) -> int:
    wanted = resampling._by_pillow(image, side, box).astype(int)
    return int(np.abs(wanted - resampling._by_simd(image, side, box)).max())


@simd
@pytest.mark.parametrize("side", [1, 2, 16, 97, 224])
@pytest.mark.parametrize(("width", "height"), [*product((1, 2, 31, 500), (1, 3, 375)), (1, 60_000), (60_000, 1)])
def test_simd_rounds_otherwise_and_does_nothing_else(width: int, height: int, side: int) -> None:
    assert difference(noise(width, height), side, (0, 0, width, height)) <= 2


@simd
@pytest.mark.parametrize("box", [(0, 0, 499.125, 374.5), (62.5, 0, 437.5, 375), (0.875, 0.5, 500, 375), (7, 9, 8, 10)])
def test_parts_of_pictures(box: Box) -> None:
    assert difference(noise(500, 375), 96, box) <= 2


@simd
def test_smooth_pictures_differ_by_one_at_most() -> None:
    assert difference(scene((1000, 750)), 224, (0, 0, 1000, 750)) <= 1


def test_threads_share_nothing() -> None:
    pictures = [noise(200 + number, 150) for number in range(8)]
    alone = [resampling.resample(picture, 64, (0, 0, *picture.size)) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            together = pool.map(lambda picture: resampling.resample(picture, 64, (0, 0, *picture.size)), pictures)
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one, other)

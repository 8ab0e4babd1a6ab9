import math

import numpy as np
import pytest

from smserve.errors import SmserveError
from smserve.types import FloatArray
from training.export.agreement import PixelArray, check_agreement


def on_circle(degrees: FloatArray) -> FloatArray:
    """(N,) angles to (N, 2) points."""
    radians = np.deg2rad(degrees.astype(np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def angles(pixels: PixelArray) -> FloatArray:
    return pixels[:, 0, 0, 0].astype(np.float32)


PIXELS = np.zeros((4, 1, 1, 3), np.uint8)
PIXELS[:, 0, 0, 0] = (0, 10, 50, 90)


def test_equal_embeddings_agree() -> None:
    check_agreement(PIXELS, lambda pixels: on_circle(angles(pixels)), lambda pixels: on_circle(angles(pixels)))


def test_a_difference_is_named() -> None:
    def turned(pixels: PixelArray) -> FloatArray:
        return on_circle(angles(pixels) + math.degrees(0.01))

    with pytest.raises(SmserveError, match=r"differ by 0\.01"):
        check_agreement(PIXELS, lambda pixels: on_circle(angles(pixels)), turned)


def test_a_batch_of_one_must_agree_too() -> None:
    def wrong_alone(pixels: PixelArray) -> FloatArray:
        return on_circle(angles(pixels) + (90 if len(pixels) == 1 else 0))

    with pytest.raises(SmserveError, match="differ by 1"):
        check_agreement(PIXELS, lambda pixels: on_circle(angles(pixels)), wrong_alone)


def test_another_neighbour_is_refused_though_the_numbers_are_near() -> None:
    # 50 degrees lies between 10 and 90; near the middle a turn of 0.005 degrees (8.7e-5) changes its neighbour
    def expected(pixels: PixelArray) -> FloatArray:
        return on_circle(angles(pixels) + (angles(pixels) == 50) * np.float32(0.005))

    def exported(pixels: PixelArray) -> FloatArray:
        return on_circle(angles(pixels))

    def other_side(pixels: PixelArray) -> FloatArray:
        return on_circle(angles(pixels) + (angles(pixels) == 50) * np.float32(-0.0005))

    with pytest.raises(SmserveError, match="1 of 4 pictures have another nearest neighbour"):
        check_agreement(PIXELS, expected, other_side)
    check_agreement(
        PIXELS, exported, lambda pixels: on_circle(angles(pixels) + (angles(pixels) == 50) * np.float32(1e-5))
    )

import math
from collections.abc import Callable

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

    with pytest.raises(SmserveError, match="of 4 pictures have other nearest neighbours"):
        check_agreement(PIXELS, expected, other_side)
    check_agreement(
        PIXELS, exported, lambda pixels: on_circle(angles(pixels) + (angles(pixels) == 50) * np.float32(1e-5))
    )


def test_the_order_of_farther_neighbours_counts_too() -> None:
    """Seen from 0 degrees, 60 and -60.005 change places behind 10; the pictures between have nothing to tell apart."""
    pixels = np.zeros((4, 1, 1, 3), np.uint8)
    pixels[:, 0, 0, 0] = (0, 10, 60, 200)

    def place(far: float) -> Callable[[PixelArray], FloatArray]:
        places = {0: 0.0, 10: 0.0, 60: 60.0, 200: far}
        tilt = {0: 0.0, 10: 10.0, 60: 0.0, 200: 0.0}  # out of the plane, so that it is as near to both

        def embed(given: PixelArray) -> FloatArray:
            around = np.deg2rad([places[int(each)] for each in angles(given)])
            up = np.deg2rad([tilt[int(each)] for each in angles(given)])
            xyz = [np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)]
            return np.stack(xyz, axis=1).astype(np.float32)

        return embed

    with pytest.raises(SmserveError, match="of 4 pictures have other nearest neighbours"):
        check_agreement(pixels, place(-59.998), place(-60.002))
    check_agreement(pixels, place(-60.1), place(-60.102))

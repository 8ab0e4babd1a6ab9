"""Encoded picture in, model input out."""

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.images.decode import decode_for
from smserve.images.picture import Picture
from smserve.images.resize import ResizeRule, crop_center, resize_stage

__all__ = ["fit", "prepare"]

_DEFAULT_LIMITS = ImageLimits()


def prepare(data: bytes, rule: ResizeRule, limits: ImageLimits = _DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Return the picture as the model wants it: (H, W, 3) uint8 RGB, contiguous.

    Raises:
        InvalidImage: As `decode`.
    """
    return fit(decode_for(data, rule, limits), rule)


def fit(picture: Picture, rule: ResizeRule) -> NDArray[np.uint8]:
    """Return a decoded picture as the model wants it: (H, W, 3) uint8 RGB, contiguous."""
    square = resize_stage(picture, rule)  # (S, S, 3)
    return np.ascontiguousarray(crop_center(square, rule.height, rule.width))

"""The resize rule that a model file carries, and how it is carried out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from smserve.images.picture import Picture
from smserve.images.resampling import resample

__all__ = ["Decoding", "ResizeMode", "ResizeRule", "crop_center", "resize_stage"]

ResizeMode = Literal["squash", "shortest_side"]
Decoding = Literal["full", "reduced"]
Pixels = TypeVar("Pixels", bound=Any)
"""An array of numpy, or what takes the same slices, such as a torch tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeRule:
    """Decode, resize, then crop the centre.

    Attributes:
        mode: "squash": to `size` x `size`, whatever the picture's shape; nothing is cut off, proportions change.
            "shortest_side": the shorter side to `size`; proportions stay, the ends of the longer side are cut off.
        size: Pixels after the resize; at least `height` and `width`, and of the same parity, so that cropping in two
            steps (a square of `size`, then the centre) and in one are the same.
        height: Model input H in pixels.
        width: Model input W in pixels.
        decoding: "full": every picture whole, as rules without this were always read. "reduced": a JPEG at the smallest
            of 1/8, 1/4, 1/2 and 1 that `smserve.images.reduction` finds large enough for `size`; other formats whole.
    """

    mode: ResizeMode = "squash"
    size: int
    height: int
    width: int
    decoding: Decoding = "full"

    def __post_init__(self) -> None:
        """Refuse a rule that can't be carried out."""
        if self.mode not in get_args(ResizeMode):
            raise ValueError(f"resize mode is {self.mode!r}; it must be one of {', '.join(get_args(ResizeMode))}")
        if self.decoding not in get_args(Decoding):
            raise ValueError(f"decoding is {self.decoding!r}; it must be one of {', '.join(get_args(Decoding))}")
        for name, length in (("height", self.height), ("width", self.width)):
            if not 1 <= length <= self.size <= 8192 or (self.size - length) % 2:
                raise ValueError(
                    f"resize to {self.size} and crop {name} {length}: wanted 1 <= {name} <= size <= 8192, "
                    f"and a difference that is even"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON holds it; one that decodes in full as it was held before there was another."""
        document = asdict(self)
        if self.decoding == "full":
            del document["decoding"]
        return document


def resize_stage(picture: Picture, rule: ResizeRule) -> NDArray[np.uint8]:
    """Return (size, size, 3) uint8: resized by the rule, and cut to a square; the step before `crop_center`.

    Bilinear with antialiasing, in 8 bits.
    """
    if picture.image.size == (rule.size, rule.size):
        return np.asarray(picture.image)
    left, top, right, bottom = picture.box
    # Of a long picture only the central square is resized: a strip of 1 x 2,000,000 pixels must not grow with its side.
    if rule.mode == "shortest_side":
        width, height = right - left, bottom - top
        across, down = (width - min(width, height)) / 2, (height - min(width, height)) / 2
        left, top, right, bottom = left + across, top + down, right - across, bottom - down
    return resample(picture.image, rule.size, (left, top, right, bottom))


def crop_center(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return the central (..., height, width, 3) part of `pixels` (..., H, W, 3); a view where possible."""
    top = (pixels.shape[-3] - height) // 2
    left = (pixels.shape[-2] - width) // 2
    centre: Pixels = pixels[..., top : top + height, left : left + width, :]
    return centre

"""A decoded picture, between decoding and resizing."""

from dataclasses import dataclass
from typing import Self

from PIL import Image

__all__ = ["Box", "Picture"]

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        image: Upright RGB.
        box: What of `image` the picture takes. At an eighth, 1,001 pixels are 125 and an eighth of one: `image` has
            126, and to take the last for a whole one would shift all others.
    """

    image: Image.Image
    box: Box

    @classmethod
    def whole(cls, image: Image.Image) -> Self:
        """Return the picture that takes all of an image."""
        return cls(image=image, box=(0, 0, image.width, image.height))

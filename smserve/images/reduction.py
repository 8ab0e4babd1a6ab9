"""A large JPEG need not be decoded whole: libjpeg computes it at 1/2, 1/4 or 1/8 from the coefficients it has anyway.

The inverse cosine transform of an 8 x 8 block gives 4 x 4, 2 x 2 pixels or one: each is the mean of what it stands for,
or nearly. What is saved is most of the transform, of the conversion to RGB, of the resize, and of the memory.
"""

from typing import Final, Literal

from smserve.images.picture import Box
from smserve.images.resize import ResizeRule

__all__ = ["Reduction", "jpeg_reduction", "upright_box"]

Reduction = Literal[1, 2, 4, 8]

_TIMES: Final = 1.5  # docs/performance.md; at once the size the resize would have too little left to smooth
_LEAST: Final = 160  # pixels; thumbnails are made of the same picture

_RIGHT_TO_LEFT: Final = {2, 3, 6, 7}  # EXIF orientations that bring what is cut at right or bottom to the left
_BOTTOM_TO_TOP: Final = {3, 4, 7, 8}
_QUARTER_TURN: Final = 5  # from here on, width and height change places


def jpeg_reduction(rule: ResizeRule, width: int, height: int) -> Reduction:
    """Return by how much less a rule decodes a JPEG's sides, which are as stored, in pixels.

    As much as leaves the shorter side at least 1.5 times as long as what it is resized to, and 160 pixels.
    """
    if rule.decoding == "full":
        return 1
    most = min(width, height) // max(_TIMES * rule.size, _LEAST)
    return 8 if most >= 8 else 4 if most >= 4 else 2 if most >= 2 else 1


def upright_box(stored: tuple[int, int], reduction: Reduction, orientation: int) -> Box:
    """Return what a picture takes of its reduced and upright image.

    Args:
        stored: Width and height of the whole picture, before it is turned.
        reduction: Its sides are divided by this; a part of a pixel becomes a whole one, at right and at the bottom.
        orientation: EXIF's.
    """
    sides = stored if orientation < _QUARTER_TURN else stored[::-1]
    width, height = (-(-side // reduction) for side in sides)
    across, down = width - sides[0] / reduction, height - sides[1] / reduction
    left = across if orientation in _RIGHT_TO_LEFT else 0
    top = down if orientation in _BOTTOM_TO_TOP else 0
    return left, top, left + sides[0] / reduction, top + sides[1] / reduction

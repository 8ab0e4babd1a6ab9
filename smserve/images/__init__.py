"""From an encoded picture to the model's input: the ONE path that training, evaluation and the server share.

    pixels = prepare(Path("photo.jpg").read_bytes(), rule)    # (H, W, 3) uint8 RGB

Decoding checks every limit from the header before it touches a pixel, turns the picture upright (EXIF), and brings
grayscale, CMYK, palette, 16-bit and transparent pictures to RGB. Resizing follows the rule that the model file carries.
"""

from smserve.images.decode import decode
from smserve.images.flaw import Flaw
from smserve.images.header import ImageHeader, read_header
from smserve.images.prepare import prepare
from smserve.images.resize import ResizeMode, ResizeRule, crop_center, resize_stage
from smserve.images.thumbnail import make_thumbnail

__all__ = [
    "Flaw",
    "ImageHeader",
    "ResizeMode",
    "ResizeRule",
    "crop_center",
    "decode",
    "make_thumbnail",
    "prepare",
    "read_header",
    "resize_stage",
]

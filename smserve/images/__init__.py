"""From an encoded picture to the model's input: the ONE path that training, evaluation and the server share.

    pixels = prepare(Path("photo.jpg").read_bytes(), rule)    # (H, W, 3) uint8 RGB

Decoding checks every limit from the header before it touches a pixel, turns the picture upright (EXIF), and brings
grayscale, CMYK, palette, 16-bit and transparent pictures to RGB. The rule that the model file carries says whether a
large JPEG is decoded whole, and how all are resized.
"""

from smserve.images.cost import decoding_bytes
from smserve.images.decode import decode, decode_for
from smserve.images.flaw import Flaw
from smserve.images.header import ImageHeader, read_header
from smserve.images.picture import Picture
from smserve.images.prepare import fit, prepare
from smserve.images.reduction import jpeg_reduction
from smserve.images.resize import Decoding, ResizeMode, ResizeRule, crop_center, resize_stage
from smserve.images.thumbnail import make_thumbnail

__all__ = [
    "Decoding",
    "Flaw",
    "ImageHeader",
    "Picture",
    "ResizeMode",
    "ResizeRule",
    "crop_center",
    "decode",
    "decode_for",
    "decoding_bytes",
    "fit",
    "jpeg_reduction",
    "make_thumbnail",
    "prepare",
    "read_header",
    "resize_stage",
]

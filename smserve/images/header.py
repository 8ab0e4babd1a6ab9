"""Open an encoded picture and check its limits without decoding it."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images.flaw import Flaw

__all__ = ["ImageHeader", "open_image", "read_header"]

_DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What a picture's first bytes say; width and height in pixels, as stored."""

    format: str
    width: int
    height: int


def _opener(data: bytes) -> tuple[str, Callable[[io.BytesIO], ImageFile.ImageFile]] | None:
    """Choose the decoder by the file's own first bytes; every other decoder of Pillow stays out of reach."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG", JpegImagePlugin.jpeg_factory
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", PngImagePlugin.PngImageFile
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", WebPImagePlugin.WebPImageFile
    return None


def open_image(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> tuple[ImageHeader, ImageFile.ImageFile]:
    """Return what the header says, and a Pillow image whose pixels are not read yet.

    Pillow's `Image.open` is passed by on purpose: it tries every format that it knows, and warns at a pixel count
    that is not ours, through process-wide state.

    Raises:
        InvalidImage: Empty, too many bytes or pixels, no JPEG, PNG or WebP, animated, or with a damaged header.
    """
    if not data:
        raise InvalidImage("the picture is empty (0 bytes); send an encoded JPEG, PNG or WebP", flaw=Flaw.EMPTY)
    if len(data) > limits.max_bytes:
        raise InvalidImage(
            f"the picture has {len(data):,} bytes, more than the limit of {limits.max_bytes:,}; send a smaller one",
            flaw=Flaw.BYTES,
        )
    opener = _opener(data)
    if opener is None:
        raise InvalidImage(
            f"the picture is no JPEG, PNG or WebP (it starts with {data[:8].hex(' ')}); convert it to one of these",
            flaw=Flaw.FORMAT,
        )
    name, open_format = opener
    try:
        image = open_format(io.BytesIO(data))
        width, height = image.size
        frames = 1 if name == "JPEG" else int(getattr(image, "n_frames", 1))  # a phone's JPEG may carry previews
    except Exception as error:  # noqa: BLE001 - whatever a parser of foreign bytes raises means the same here
        raise InvalidImage(f"the {name} picture has a damaged header: {error}") from None
    if width * height > limits.max_pixels:
        raise InvalidImage(
            f"the picture has {width} x {height} = {width * height:,} pixels, more than the limit of "
            f"{limits.max_pixels:,}; send a smaller one",
            flaw=Flaw.PIXELS,
        )
    if width < 1 or height < 1:
        raise InvalidImage(f"the picture has {width} x {height} pixels; it needs at least one")
    if frames != 1:
        raise InvalidImage(f"the {name} picture is animated ({frames} frames); send a single frame", flaw=Flaw.ANIMATED)
    return ImageHeader(format=name, width=width, height=height), image


def read_header(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> ImageHeader:
    """Return format and size as stored (before EXIF rotation).

    Raises:
        InvalidImage: As `open_image`.
    """
    return open_image(data, limits)[0]

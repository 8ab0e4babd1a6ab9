"""Decode a picture to upright RGB."""

from typing import Any

from PIL import ExifTags, Image, ImageOps

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images.header import open_image
from smserve.images.picture import Picture
from smserve.images.reduction import Reduction, jpeg_reduction, upright_box
from smserve.images.resize import ResizeRule

__all__ = ["decode", "decode_for"]

_DEFAULT_LIMITS = ImageLimits()


def _to_rgb(image: Image.Image) -> Image.Image:
    """Bring any mode of a JPEG, PNG or WebP to RGB; transparency is composited on white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16-bit grayscale: Pillow's own conversion clips instead of scaling
        return image.convert("I").point(lambda value: value / 257).convert("L").convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        white.alpha_composite(rgba)
        return white.convert("RGB")
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; what else a foreign file holds there is ignored, as Pillow ignores it."""
    found: Any = image.getexif().get(ExifTags.Base.Orientation)
    return int(found) if found in range(2, 9) else 1


def decode(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> Image.Image:
    """Return the whole picture as an upright RGB Pillow image.

    Raises:
        InvalidImage: Over a limit, of another format, animated, truncated or damaged.
    """
    return _decode(data, None, limits).image


def decode_for(data: bytes, rule: ResizeRule, limits: ImageLimits = _DEFAULT_LIMITS) -> Picture:
    """Return the picture as `resize_stage` takes it for a rule, and thumbnails may: where the rule says so, reduced.

    Raises:
        InvalidImage: As `decode`.
    """
    return _decode(data, rule, limits)


def _decode(data: bytes, rule: ResizeRule | None, limits: ImageLimits) -> Picture:
    header, image = open_image(data, limits)
    stored = (header.width, header.height)
    reduction: Reduction = 1
    try:
        if rule is not None and header.format == "JPEG":
            reduction = jpeg_reduction(rule, *stored)
        if reduction > 1:
            image.draft(None, (header.width // reduction, header.height // reduction))
        image.load()
        box = upright_box(stored, reduction, _orientation(image))
        ImageOps.exif_transpose(image, in_place=True)
        return Picture(image=_to_rgb(image), box=box)
    except Exception as error:  # noqa: BLE001 - whatever a decoder of foreign bytes raises means the same here
        raise InvalidImage(f"the picture is damaged or cut short: {error}") from None

"""Decode a picture to upright RGB."""

from PIL import Image, ImageOps

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images.header import open_image

__all__ = ["decode"]

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


def decode(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> Image.Image:
    """Return the picture as an upright RGB Pillow image.

    Raises:
        InvalidImage: Over a limit, of another format, animated, truncated or damaged.
    """
    _, image = open_image(data, limits)
    try:
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # noqa: BLE001 - whatever a decoder of foreign bytes raises means the same here
        raise InvalidImage(f"the picture is damaged or cut short: {error}") from None

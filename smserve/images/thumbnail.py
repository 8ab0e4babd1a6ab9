"""Small JPEGs that a gallery stores beside its vectors."""

import io

from PIL import Image

__all__ = ["make_thumbnail"]


def make_thumbnail(image: Image.Image, side: int = 160) -> bytes:
    """Return an encoded JPEG whose longer side is at most `side` pixels; `image` is RGB and stays as it is."""
    small = image.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()

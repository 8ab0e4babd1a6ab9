"""Pictures small enough to stand in a page by the thousand."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["thumbnail"]


def thumbnail(pixels: NDArray[np.uint8], side: int, *, quality: int = 70) -> str:
    """Return a picture (H, W, 3) as a data URI of a WebP whose longer side is `side` pixels at most."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

"""Whatever a user holds a picture in, as the encoded bytes that a server takes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.errors import InvalidImage

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Picture", "encode_picture"]

Picture: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]"
"""A path, encoded bytes, a PIL image, or an array (H, W, 3) uint8 RGB."""

_LIMITS: Final = ImageLimits()
_LOSSLESS_PIXELS: Final = 3_000_000  # a PNG of more pixels may not fit into a message
_PNG_MODES: Final = {"1", "L", "LA", "I;16", "P", "RGB", "RGBA"}


def encode_picture(picture: Picture, field: str) -> bytes:
    """Return an encoded picture.

    Files and bytes are sent as they are. A PIL image or an array becomes a PNG, or a JPEG of quality 95 beyond 3
    million pixels.

    Args:
        picture: What the user gave.
        field: What errors name.

    Raises:
        InvalidImage: No such file, too many bytes or pixels, or no kind of picture.
    """
    if isinstance(picture, (str, os.PathLike)):
        return _read(Path(picture), field)
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return _within_limit(bytes(picture), "the picture", field)
    from PIL import Image

    if isinstance(picture, np.ndarray):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
            raise InvalidImage(
                f"the array has shape {picture.shape} and type {picture.dtype}; a picture is (H, W, 3) uint8 RGB",
                field=field,
            )
        picture = Image.fromarray(np.ascontiguousarray(picture))
    if not isinstance(picture, Image.Image):
        raise InvalidImage(
            f"a {type(picture).__name__} is no picture; give a path, encoded bytes, a PIL image or an array (H, W, 3) "
            f"uint8",
            field=field,
        )
    return _within_limit(_encode(picture, field), "the encoded picture", field)


def _read(path: Path, field: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > _LIMITS.max_bytes:
            raise InvalidImage(
                f"{path} has {size:,} bytes, more than the limit of {_LIMITS.max_bytes:,}; send a smaller picture",
                field=field,
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidImage(f"there is no file {str(path)!r}; check the path", field=field) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise InvalidImage(f"{str(path)!r} can't be read ({reason}); check the path", field=field) from None


def _within_limit(data: bytes, name: str, field: str) -> bytes:
    if len(data) > _LIMITS.max_bytes:
        raise InvalidImage(
            f"{name} has {len(data):,} bytes, more than the limit of {_LIMITS.max_bytes:,}; send a smaller one",
            field=field,
        )
    return data


def _encode(image: Image.Image, field: str) -> bytes:
    from PIL import Image, ImageOps

    pixels = image.width * image.height
    if not 1 <= pixels <= _LIMITS.max_pixels:
        raise InvalidImage(
            f"the picture has {image.width} x {image.height} = {pixels:,} pixels; wanted 1 to {_LIMITS.max_pixels:,}",
            field=field,
        )
    buffer = io.BytesIO()
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode not in _PNG_MODES:
            upright = upright.convert("RGB")
        if pixels <= _LOSSLESS_PIXELS:
            upright.save(buffer, "PNG", compress_level=1)
        else:
            if upright.mode != "RGB":
                flat = Image.new("RGBA", upright.size, "white")
                flat.alpha_composite(upright.convert("RGBA"))
                upright = flat.convert("RGB")
            upright.save(buffer, "JPEG", quality=95)
    except (OSError, ValueError, SyntaxError) as error:  # PIL images are lazy: a damaged file shows only now
        raise InvalidImage(f"the PIL image can't be encoded: {error}", field=field) from None
    return buffer.getvalue()

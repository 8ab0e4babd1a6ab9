"""The pictures that a model file carries to prove itself, kept small."""

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from smserve.images import ResizeRule, decode_for, prepare, resize_stage
from smserve.model_file import SelfCheckItem
from smserve.types import FloatArray
from training.export.agreement import PixelArray

__all__ = ["make_self_check"]

_BUDGET_BYTES = 200_000  # all pictures together


def make_self_check(
    pictures: Sequence[tuple[str, bytes]], rule: ResizeRule, embed: Callable[[PixelArray], FloatArray]
) -> tuple[SelfCheckItem, ...]:
    """Return the pictures, small enough to be carried, with the embeddings of what is carried.

    Args:
        pictures: Names and encoded pictures; at least one.
        rule: The model's.
        embed: (N, H, W, 3) uint8 to (N, D) float32 of unit norm.

    Raises:
        InvalidImage: A picture can't be read.
    """
    share = _BUDGET_BYTES // len(pictures)
    kept = [_smaller(data, rule, share) for _, data in pictures]
    embeddings = embed(np.stack([prepare(data, rule) for data in kept]))  # (N, D)
    return tuple(
        SelfCheckItem(name=name, image=data, embedding=embedding)
        for (name, _), data, embedding in zip(pictures, kept, embeddings, strict=True)
    )


def _smaller(data: bytes, rule: ResizeRule, share: int) -> bytes:
    """Return the first encoding that takes at most `share` bytes: as it came, then as the model sees it."""
    for candidate in _encodings(data, rule):
        data = candidate
        if len(data) <= share:
            break
    return data


def _encodings(data: bytes, rule: ResizeRule) -> Iterator[bytes]:
    yield data
    square = Image.fromarray(resize_stage(decode_for(data, rule), rule))  # (S, S, 3); resizing it again changes nothing
    yield _encode(square, "PNG", optimize=True)
    for quality in (90, 50):  # for photographs, whose PNG is large
        yield _encode(square, "JPEG", quality=quality)


def _encode(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()

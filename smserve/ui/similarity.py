"""Why a hit matched: which parts of two pictures make them alike.

A part is covered, and the picture embedded again: the more the cosine falls, the more the match rests on that part
(occlusion; Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014). It needs nothing but
embeddings, so it works with any model file.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from smserve.client import Client, ItemId
from smserve.errors import InvalidInput
from smserve.images import decode
from smserve.types import FloatArray
from smserve.ui.question import Side

__all__ = ["SimilarityMap", "similarity_maps"]

_PARTS: Final = 7  # a side; the cost is its square
_SIDE: Final = 224  # pixels that the pictures are shrunk to, about what networks see
_COLOR: Final = (255, 96, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityMap:
    """A query and a hit, each as a JPEG: what the match rests on is coloured, the rest grey.

    Attributes:
        query: The query.
        hit: The hit.
        score: Their cosine, as shrunk pictures have it.
        largest_fall: Of the cosine, when one part is covered.
    """

    query: bytes
    hit: bytes
    score: float
    largest_fall: float


def similarity_maps(client: Client, query: bytes | ItemId, hit: str, side: Side) -> SimilarityMap:
    """Explain one hit of one side's answer.

    Raises:
        InvalidInput: A picture is wanted of an item that has no thumbnail.
        SmserveError: The server refuses.
    """
    pictures = [
        _thumbnail(client, query, side.gallery) if isinstance(query, ItemId) else decode(query),
        _thumbnail(client, hit, side.gallery),
    ]
    for picture in pictures:
        picture.thumbnail((_SIDE, _SIDE))
    asked = [_encoded(each) for picture in pictures for each in [picture, *_covered(picture)]]
    answers = client.embed(asked, gallery=side.gallery, staged=side.staged)
    vectors: list[FloatArray] = []
    for answer in answers:
        if answer.vector is None:
            raise answer.error or InvalidInput("the server embeds no part of this picture")
        vectors.append(answer.vector)
    half = len(vectors) // 2
    first, second = np.stack(vectors[:half]), np.stack(vectors[half:])  # (1 + parts, D): whole, then covered
    score = float(first[0] @ second[0])
    falls = score - first[1:] @ second[0], score - second[1:] @ first[0]
    return SimilarityMap(
        query=_coloured(pictures[0], falls[0]),
        hit=_coloured(pictures[1], falls[1]),
        score=score,
        largest_fall=max(float(fall.max()) for fall in falls),
    )


def _thumbnail(client: Client, item_id: str, gallery: str) -> Image.Image:
    thumbnail = client.get_item(item_id, gallery=gallery, payload=False, thumbnail=True).item.thumbnail
    if thumbnail is None:
        raise InvalidInput(
            f"item {item_id!r} has no stored thumbnail to look at; build the gallery with thumbnails", field="item_id"
        )
    return decode(thumbnail)


def _covered(picture: Image.Image) -> list[Image.Image]:
    """Return copies with one part each painted in the mean colour, row by row."""
    mean = tuple(int(value) for value in np.asarray(picture).reshape(-1, 3).mean(axis=0))
    columns = np.linspace(0, picture.width, _PARTS + 1).astype(int).tolist()
    rows = np.linspace(0, picture.height, _PARTS + 1).astype(int).tolist()
    copies = []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            copy = picture.copy()
            copy.paste(mean, (left, top, right, bottom))
            copies.append(copy)
    return copies


def _coloured(picture: Image.Image, falls: FloatArray) -> bytes:
    """Return the picture in grey under a colour as strong as the cosine falls.

    Args:
        picture: RGB.
        falls: (parts,) of the cosine.
    """
    strength = np.clip(falls, 0, None).reshape(_PARTS, _PARTS)
    strength = strength / max(float(strength.max()), 1e-6)
    scale = _SIDE / max(picture.size)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    mask = Image.fromarray((strength * 190).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grey = ImageOps.grayscale(picture).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    grey.paste(_COLOR, (0, 0), mask)
    return _encoded(grey)


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()

"""Cut many pictures into calls that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from smserve.client.picture import Picture, encode_picture
from smserve.config import MAX_IMAGES_PER_CALL, ImageLimits
from smserve.errors import InvalidImage

__all__ = ["Batch", "batches"]

_MAX_BYTES: Final = ImageLimits().max_bytes


@dataclass(slots=True, kw_only=True)
class Batch:
    """Pictures of one call, and those that can't be sent, each by its position in the whole."""

    images: dict[int, bytes] = field(default_factory=dict)
    errors: dict[int, InvalidImage] = field(default_factory=dict)


def batches(pictures: Sequence[Picture]) -> Iterator[Batch]:
    """Encode and group; no batch has more pictures or bytes than one call may carry, and none is held longer."""
    batch, size = Batch(), 0
    for position, picture in enumerate(pictures):
        try:
            image = encode_picture(picture, f"images[{position}]")
        except InvalidImage as error:
            batch.errors[position] = error
            continue
        if batch.images and (len(batch.images) == MAX_IMAGES_PER_CALL or size + len(image) > _MAX_BYTES):
            yield batch
            batch, size = Batch(), 0
        batch.images[position] = image
        size += len(image)
    if batch.images or batch.errors:
        yield batch

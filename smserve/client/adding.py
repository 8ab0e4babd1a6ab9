"""Add picture files to a served gallery: send those that are new or changed, in as few calls as they fit into."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from smserve.client.client import Client
from smserve.client.picture import encode_picture
from smserve.config import MAX_IMAGES_PER_CALL, ImageLimits
from smserve.errors import InvalidImage, InvalidInput
from smserve.types import Item, UpsertItem

__all__ = ["AddedPictures", "PictureFailure", "PictureFile", "add_pictures"]

_MAX_BYTES: Final = ImageLimits().max_bytes // 2  # of a call's pictures; the rest of the message is labels and payloads
_NAMED: Final = re.compile(r"items\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """A picture to add.

    Attributes:
        item_id: Its name in the gallery.
        path: The file.
        label: Its class; empty for none.
        payload: Further columns.
    """

    item_id: str
    path: Path
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFailure:
    """A picture that was not added, and why."""

    item_id: str
    path: Path
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPictures:
    """The outcome.

    Attributes:
        added: Pictures stored: new items, and changed ones.
        unchanged: Pictures that were stored already, as they are.
        failures: Pictures left out.
    """

    added: int
    unchanged: int
    failures: tuple[PictureFailure, ...]


def add_pictures(
    client: Client,
    pictures: Sequence[PictureFile],
    *,
    gallery: str = "",
    progress: Callable[[int], None] | None = None,
) -> AddedPictures:
    """Store pictures; one that is stored already with the same bytes, place, label and payload is not sent.

    Each call stores all of its pictures or none; a picture that the server can't read is left out, and the others of
    its call are sent again. Run again after an error, it goes on with what is missing.

    Args:
        client: Of the server that writes to the gallery.
        pictures: Their ids differ.
        gallery: Its name; empty means the server's first.
        progress: Told how many pictures are done.

    Raises:
        SmserveError: As `Client.upsert`, but for InvalidImage.
    """
    stored = {item.item_id: item for item in client.items(gallery=gallery)}
    failures: list[PictureFailure] = []
    added = done = unchanged = 0
    for batch in _batches(pictures, stored, failures):
        unchanged += batch.unchanged
        added += _send(client, batch, gallery, failures)
        done += batch.unchanged + len(batch.files)
        if progress is not None:
            progress(done)
    return AddedPictures(added=added, unchanged=unchanged, failures=tuple(failures))


@dataclass(slots=True, kw_only=True)
class _Batch:
    files: list[PictureFile] = field(default_factory=list)
    items: list[UpsertItem] = field(default_factory=list)
    size: int = 0
    unchanged: int = 0  # pictures met on the way


def _batches(
    pictures: Sequence[PictureFile], stored: Mapping[str, Item], failures: list[PictureFailure]
) -> Iterator[_Batch]:
    batch = _Batch()
    for file in pictures:
        uri = str(file.path.absolute())
        try:
            image = encode_picture(file.path, "image")
        except InvalidImage as error:
            failures.append(PictureFailure(item_id=file.item_id, path=file.path, message=error.message))
            continue
        if _is_stored(stored.get(file.item_id), file, uri, image):
            batch.unchanged += 1
            continue
        if batch.items and (len(batch.items) == MAX_IMAGES_PER_CALL or batch.size + len(image) > _MAX_BYTES):
            yield batch
            batch = _Batch()
        item = UpsertItem(item_id=file.item_id, image=image, label=file.label, payload=file.payload, source_uri=uri)
        batch.files.append(file)
        batch.items.append(item)
        batch.size += len(image)
    yield batch


def _is_stored(item: Item | None, file: PictureFile, uri: str, image: bytes) -> bool:
    return item is not None and (item.source_uri, item.source_sha256, item.label, dict(item.payload)) == (
        uri,
        hashlib.sha256(image).hexdigest(),
        file.label,
        dict(file.payload),
    )


def _send(client: Client, batch: _Batch, gallery: str, failures: list[PictureFailure]) -> int:
    """Store a batch, less what can't be; returns how many were stored."""
    files, items = list(batch.files), list(batch.items)
    while items:
        try:
            client.upsert(items, gallery=gallery)
        except InvalidInput as error:
            named = _NAMED.match(error.field)
            if named is None or int(named.group(1)) >= len(items):
                raise
            number = int(named.group(1))
            failures.append(
                PictureFailure(item_id=files[number].item_id, path=files[number].path, message=error.message)
            )
            del files[number], items[number]
        else:
            return len(items)
    return 0

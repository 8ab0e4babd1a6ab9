"""Draw what `smserve search` found: each query beside its hits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from smserve.cli.contact_sheet import SheetHit, SheetRow, draw_contact_sheet
from smserve.client import Client, ItemId
from smserve.errors import InvalidInput
from smserve.types import SearchResult

__all__ = ["draw_search"]


def draw_search(client: Client, answered: Sequence[tuple[str, SearchResult]], sheet: Path) -> None:
    """Write the picture file `sheet`.

    Args:
        client: Reads the thumbnail of a query that is an item.
        answered: The path of a picture, or an `ItemId`, with what it found.
        sheet: Its ending says the format.

    Raises:
        InvalidInput: It can't be written.
    """
    rows = [_row(client, query, result) for query, result in answered]
    title = f"Nearest of gallery {answered[0][1].gallery}"
    try:
        draw_contact_sheet(rows, title=title).save(sheet)
    except (OSError, ValueError) as error:  # ValueError: an ending that Pillow knows no format for
        raise InvalidInput(
            f"the picture can't be written to {sheet}: {error}; name a .png file", field="--picture"
        ) from None


def _row(client: Client, query: str, result: SearchResult) -> SheetRow:
    label = ""
    if isinstance(query, ItemId):
        item = client.get_item(query, gallery=result.gallery, payload=False, thumbnail=True).item
        picture, label = _opened(item.thumbnail), item.label
    else:
        with Image.open(query) as image:  # the server has just read it
            picture = ImageOps.exif_transpose(image).convert("RGB")
    return SheetRow(
        picture=picture,
        caption=Path(query).name,
        label=label,
        hits=tuple(
            SheetHit(picture=_opened(hit.thumbnail), label=hit.label or hit.item_id, score=hit.score)
            for hit in result.hits
        ),
    )


def _opened(data: bytes | None) -> Image.Image | None:
    return None if data is None else Image.open(io.BytesIO(data)).convert("RGB")

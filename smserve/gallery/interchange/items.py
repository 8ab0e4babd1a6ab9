"""What a file of items says, row by row: a row that can't be an item is named."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from smserve.errors import InvalidInput, ModelMismatch
from smserve.gallery.interchange.parquet import TEXTS, ItemBatch, ItemFile
from smserve.gallery.row import row_of
from smserve.gallery.values import NewItem

__all__ = ["check_items", "items_of", "model_of"]

_ROWS: Final = 1024  # looked at together
_NORM_TOLERANCE: Final = 1e-3


def model_of(file: ItemFile, given: str | None) -> str:
    """Return the fingerprint of the model whose vectors a file holds.

    Args:
        file: The items.
        given: What a user says that it is; needed where the file does not say so itself.

    Raises:
        ModelMismatch: Nobody says, or they differ.
    """
    if file.header is None and given is None:
        raise ModelMismatch(
            f"{file.path} does not say which model made its vectors; name it with --model: vectors of two models must "
            f"never meet"
        )
    if file.header is not None and given is not None and given != file.header.model_fingerprint:
        raise ModelMismatch(
            f"the vectors of {file.path} are of model {file.header.model_fingerprint}, the model given is {given}; "
            f"give theirs, or none"
        )
    return file.header.model_fingerprint if file.header is not None else str(given)


def check_items(file: ItemFile) -> int:
    """Look at every row, before the first is written anywhere; returns D.

    Raises:
        InvalidInput: The file is damaged, cut or empty, an id is empty or there twice, a vector is not of unit norm or
            of another length, a payload is no JSON object; the row is named.
    """
    dimension = file.header.dimension if file.header else None
    seen: dict[str, int] = {}  # id -> row
    count = 0
    for batch in file.batches(_ROWS, dimension=dimension):
        dimension = batch.vectors.shape[1]
        for row, item_id in enumerate(batch.texts["item_id"], batch.first_row):
            if not item_id:
                raise _wrong(file, row, "its item_id is empty; name it")
            if item_id in seen:
                raise _wrong(file, row, f"item {item_id!r} stands in row {seen[item_id]:,} too; ids must differ")
            seen[item_id] = row
        norms = np.linalg.norm(batch.vectors, axis=1)
        bad = np.flatnonzero(~(np.abs(norms - 1) <= _NORM_TOLERANCE))  # NaN and infinity fail too
        if len(bad):
            raise _wrong(
                file, batch.first_row + int(bad[0]), f"its vector has norm {norms[bad[0]]:.4g}; wanted 1, divide by it"
            )
        for item in items_of(file, batch):
            row_of(item, 0, 0)
        count += len(batch.vectors)
    wanted = file.header.item_count if file.header else count
    if count != wanted:
        raise InvalidInput(
            f"{file.path} has {count:,} rows, it was written with {wanted:,}; copy it again", field="file"
        )
    if dimension is None:
        raise InvalidInput(f"{file.path} has no rows, so there is nothing to import", field="file")
    return dimension


def items_of(file: ItemFile, batch: ItemBatch) -> Iterator[NewItem]:
    """Yield the items of some rows.

    Raises:
        InvalidInput: A payload is no JSON object; its row is named.
    """
    columns = zip(*(batch.texts[name] for name in TEXTS), strict=True)
    for row, (texts, vector, thumbnail) in enumerate(
        zip(columns, batch.vectors, batch.thumbnails, strict=True), batch.first_row
    ):
        item_id, label, payload, uri, sha256 = texts
        yield NewItem(
            item_id=item_id,
            vector=vector,
            label=label,
            payload=_payload(file, row, payload),
            source_uri=uri,
            source_sha256=sha256,
            thumbnail=thumbnail,
        )


def _payload(file: ItemFile, row: int, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise _wrong(file, row, f"its payload is no JSON ({error})") from None
    if not isinstance(payload, dict):
        raise _wrong(file, row, f"its payload is {text[:50]!r}; wanted a JSON object")
    return payload


def _wrong(file: ItemFile, row: int, what: str) -> InvalidInput:
    return InvalidInput(f"{file.path}, row {row:,}: {what}; nothing was imported", field="file")

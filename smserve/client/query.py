"""What one can search with, told apart by type."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from smserve.client.picture import Picture, encode_picture
from smserve.errors import InvalidImage, InvalidInput
from smserve.filters import Filter, parse_filter
from smserve.types import FloatArray

__all__ = ["ItemId", "Picture", "Query", "read_filter", "read_query"]


class ItemId(str):
    """Marks a string as the id of an item of the gallery; a plain `str` is the path of a picture."""

    __slots__ = ()


Query: TypeAlias = Picture
"""A picture, an array (D,) of floats (a vector), or an `ItemId` (which is a `str` of a kind of its own)."""


def read_query(query: Query | None, item_id: str | None) -> tuple[bytes | None, FloatArray | None, str | None]:
    """Return (image, vector, item_id), one of them given.

    Raises:
        InvalidInput: Not exactly one query.
        InvalidImage: As `encode_picture`.
    """
    if (query is None) == (item_id is None):
        got = "neither" if query is None else "both"
        raise InvalidInput(f"give either a query or item_id; got {got}", field="query")
    if item_id is not None or isinstance(query, ItemId):
        return None, None, str(item_id if item_id is not None else query)
    if isinstance(query, np.ndarray) and _is_vector(query):
        return None, query.astype(np.float32), None
    if isinstance(query, str) and not os.path.exists(query):  # noqa: PTH110 - unlike Path's, it never raises
        raise InvalidImage(
            f"there is no file {query!r}; check the path, or, for an item of the gallery, give its id "
            f"(item_id=... in Python, --item-id on the command line)",
            field="image",
        )
    assert query is not None, "checked above"  # noqa: S101 - for the type checker
    return encode_picture(query, "image"), None, None


def read_filter(filter: Filter | str | None) -> Filter | None:
    """Return a filter that may be given as text.

    Raises:
        InvalidFilter: The text can't be read.
    """
    return parse_filter(filter) if isinstance(filter, str) else filter


def _is_vector(array: NDArray[Any]) -> bool:
    return array.ndim == 1 and bool(np.issubdtype(array.dtype, np.floating))

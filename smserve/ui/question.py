"""What a person asks on the page: a picture or an item, and the settings around it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from smserve.client import ItemId
from smserve.config import SearchLimits
from smserve.errors import InvalidInput
from smserve.ui.cropping import Box, crop

__all__ = ["Question", "Side", "read_question"]

_STAGED: Final = "staged"
_GALLERY: Final = "gallery "  # and its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is asked.

    Attributes:
        gallery: Its name; empty means the server's first.
        staged: By the model that is staged beside the one in use.
    """

    gallery: str
    staged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One search.

    Attributes:
        picture: Encoded, already cropped; None where an item is searched with.
        name: Of the picture's file, or the item's id.
        side: Where to search.
        other: Where to search too, for comparison; None for nowhere.
        top_k: How many hits at most.
        min_score: Smallest cosine; None for any.
        filter: As text; empty for none.
    """

    picture: bytes | None
    name: str
    side: Side
    other: Side | None
    top_k: int
    min_score: float | None
    filter: str

    @property
    def query(self) -> bytes | ItemId:
        """What the client takes."""
        return ItemId(self.name) if self.picture is None else self.picture

    @property
    def key(self) -> str:
        """Tells questions about different pictures apart."""
        return f"item {self.name}" if self.picture is None else hashlib.sha256(self.picture).hexdigest()


async def read_question(form: FormData) -> Question:
    """Read the page's form.

    Raises:
        InvalidInput: A field has a wrong value, or there is neither picture nor item.
        InvalidImage: The picture is to be cropped and can't be read.
    """
    upload, item_id = form.get("picture"), _text(form, "item_id")
    picture = None
    if isinstance(upload, UploadFile):
        picture = await upload.read()
        box = Box.from_text(_text(form, "crop"))
        if box is not None:
            picture = await run_in_threadpool(crop, picture, box)
    elif not item_id:
        raise InvalidInput("there is nothing to search with; choose a picture, or an item of the gallery")
    min_score = _number(form, "min_score", "in [-1, 1]")
    top_k = _number(form, "top_k", "from 1")
    if top_k is not None and top_k != int(top_k):
        raise InvalidInput(f"top_k is {top_k:g}; wanted a whole number", field="top_k")
    side = Side(gallery=_text(form, "gallery"), staged=bool(_text(form, "staged")))
    return Question(
        picture=picture,
        name=item_id if picture is None else (getattr(upload, "filename", "") or "picture"),
        side=side,
        other=_other(_text(form, "other"), side),
        top_k=SearchLimits().default_top_k if top_k is None else int(top_k),
        min_score=min_score,
        filter=_text(form, "filter"),
    )


def _other(text: str, side: Side) -> Side | None:
    """Return what is compared with; a gallery compared with itself is not.

    Raises:
        InvalidInput: The page does not write that.
    """
    if not text:
        return None
    if text == _STAGED:
        return Side(gallery=side.gallery, staged=True)
    if not text.startswith(_GALLERY):
        raise InvalidInput(f"other is {text!r}; wanted {_STAGED!r}, or {_GALLERY!r} and a name", field="other")
    other = Side(gallery=text.removeprefix(_GALLERY))
    return None if other == side else other


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _number(form: FormData, name: str, wanted: str) -> float | None:
    text = _text(form, name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{name} is {text!r}; wanted a number {wanted}", field=name)
    return number

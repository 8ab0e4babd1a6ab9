"""Queries for two models at once: pictures that both embed, or items whose vectors both have."""

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InvalidInput, ItemNotFound, ModelMismatch
from smserve.gallery import GalleryReader
from smserve.gallery.staging import GalleryModel
from smserve.indexing.limits import LOCAL_LIMITS
from smserve.indexing.reading import PictureReader, Prepared, in_order
from smserve.indexing.report import Unreadable
from smserve.indexing.sources import SourceItem
from smserve.types import FieldMask, FloatArray

__all__ = ["PairedQuery", "queries_from_items", "queries_from_pictures"]

_EMBEDDED: Final = 32  # pictures of one run of the model
_PAGE: Final = 1000
_WORKERS: Final = 2  # decode while the model runs
_VECTOR: Final = FieldMask(payload=False, vector=True)
_NAMES: Final = FieldMask(payload=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedQuery:
    """One query to two models.

    Attributes:
        item_id: Its name; an item of that name is not its neighbour.
        label: Its class; empty for none.
        vectors: (D,) by the one model, (D',) by the other.
    """

    item_id: str
    label: str
    vectors: tuple[FloatArray, FloatArray]


def queries_from_items(readers: Sequence[GalleryReader], count: int, seed: int) -> list[PairedQuery]:
    """Return a random sample of the items that both galleries hold."""
    names: list[tuple[str, str]] = []
    token = ""
    while True:
        page = readers[0].page(_PAGE, token, _NAMES)
        names += [(item.item_id, item.label) for item in page.items]
        token = page.next_token
        if not token:
            break
    chosen = random.Random(seed).sample(names, min(count, len(names)))  # noqa: S311 - no secret
    queries = []
    for item_id, label in chosen:
        try:
            one, other = (reader.get(item_id, _VECTOR).vector for reader in readers)
        except ItemNotFound:  # written or deleted since the other was level
            continue
        if one is not None and other is not None:
            queries.append(PairedQuery(item_id=item_id, label=label, vectors=(one, other)))
    return queries


def queries_from_pictures(
    pictures: Sequence[SourceItem],
    models: Sequence[GalleryModel],
    files: Sequence[Path | None],
    inference: InferenceSettings,
) -> tuple[list[PairedQuery], tuple[Unreadable, ...]]:
    """Embed pictures with both models; returns the queries, and the pictures that can't be read.

    Raises:
        InvalidInput: A model's file is not given.
        ModelMismatch: It is that of another model.
        ModelDamaged: It can't be used.
    """
    (one, unreadable), (other, _) = (
        _embed(pictures, model, file, inference) for model, file in zip(models, files, strict=True)
    )
    queries = [
        PairedQuery(item_id=item.item_id, label=item.label, vectors=(one[item.item_id], other[item.item_id]))
        for item in pictures
        if item.item_id in one and item.item_id in other
    ]
    return queries, unreadable


def _embed(
    pictures: Sequence[SourceItem], model: GalleryModel, file: Path | None, inference: InferenceSettings
) -> tuple[dict[str, FloatArray], tuple[Unreadable, ...]]:
    """Return a model's vectors by item_id."""
    if file is None:
        raise InvalidInput(
            f"pictures are embedded by both models; give the file of the one {model.state}, {model.model_fingerprint}, "
            f"too",
            field="model",
        )
    embedder = Embedder(file, inference.with_default_threads(_WORKERS))
    if embedder.fingerprint != model.model_fingerprint:
        raise ModelMismatch(
            f"{file} is model {embedder.fingerprint}, the vectors {model.state} are of {model.model_fingerprint}; give "
            f"their model's file"
        )
    reader = PictureReader(embedder.manifest.resize, LOCAL_LIMITS, {}, thumbnails=False)
    vectors: dict[str, FloatArray] = {}
    unreadable: list[Unreadable] = []
    waiting: list[Prepared] = []

    def embed_waiting() -> None:
        if waiting:
            embedded = embedder.embed(np.stack([each.pixels for each in waiting]))
            vectors.update(zip((each.item.item_id for each in waiting), embedded, strict=True))
            waiting.clear()

    with closing(in_order(reader, pictures, _WORKERS)) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Prepared):
                waiting.append(outcome)
            elif isinstance(outcome, Unreadable):
                unreadable.append(outcome)
            if len(waiting) == _EMBEDDED:
                embed_waiting()
    embed_waiting()
    return vectors, tuple(unreadable)

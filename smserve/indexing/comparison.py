"""Compare a gallery's two models before one replaces the other: do they find the same, and which finds what is right.

The queries are pictures, embedded by both models, or a sample of the gallery's own items, whose vectors both have.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from smserve.embedder import InferenceSettings
from smserve.errors import GenerationMismatch, InvalidInput
from smserve.gallery import GalleryReader
from smserve.gallery.staging import gallery_models, open_model
from smserve.indexing.asking import PairedQuery, queries_from_items, queries_from_pictures
from smserve.indexing.report import Unreadable
from smserve.indexing.sources import SourceItem
from smserve.types import FieldMask, Hit

__all__ = ["ComparedQuery", "ModelComparison", "compare_models"]

_BATCH: Final = 64  # queries of one search
_SHOWN: Final = 5  # queries that changed most
_NAMES: Final = FieldMask(payload=False)

Answers = tuple[tuple[Hit, ...], tuple[Hit, ...]]
"""By the model in use, by the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedQuery:
    """What two models found for one query.

    Attributes:
        item_id: The query's name.
        overlap: Share of the neighbours that both found.
        in_use: The nearest items by the model in use.
        other: By the other one.
    """

    item_id: str
    overlap: float
    in_use: tuple[str, ...]
    other: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """How two models of a gallery differ.

    Attributes:
        in_use: Fingerprint of the model in use.
        other: Of the one that is staged, or was in use before.
        queries: How many were asked.
        top_k: Neighbours that were compared.
        overlap: Mean share of a query's neighbours that both models found.
        same_first: Share of queries whose nearest item is the same.
        labelled: Queries that have a label.
        recall_in_use: K -> share of the labelled queries with an item of their label among the K nearest.
        recall_other: The same by the other model.
        won: Labelled queries whose nearest item has their label by the other model alone.
        lost: By the model in use alone.
        most_changed: The queries with the least overlap.
        unreadable: Pictures that were not asked.
    """

    in_use: str
    other: str
    queries: int
    top_k: int
    overlap: float
    same_first: float
    labelled: int
    recall_in_use: Mapping[int, float]
    recall_other: Mapping[int, float]
    won: int
    lost: int
    most_changed: tuple[ComparedQuery, ...]
    unreadable: tuple[Unreadable, ...]


def compare_models(
    gallery: Path,
    *,
    pictures: Sequence[SourceItem] = (),
    model_in_use: Path | None = None,
    other_model: Path | None = None,
    inference: InferenceSettings | None = None,
    sample: int = 1000,
    seed: int = 0,
    top_k: int = 10,
    ks: Sequence[int] = (1, 5),
    progress: Callable[[int], None] | None = None,
) -> ModelComparison:
    """Ask both models of a gallery the same: the one in use, and the staged one, else the one before.

    A query's own item, the one of its id, never counts.

    Args:
        gallery: Its folder.
        pictures: To ask with; with none, a sample of the gallery's own items is asked.
        model_in_use: Its file, where there are pictures.
        other_model: That of the other one, where there are pictures.
        inference: How they are run; by default on the CPU.
        sample: Items to ask, at most.
        seed: Of the sample.
        top_k: Neighbours to compare.
        ks: Values of K for the labelled recall.
        progress: Told how many queries are done.

    Raises:
        GenerationMismatch: The gallery has one model alone, or the other is not fully staged.
        ModelMismatch: A model file is not the one that the vectors are of.
        InvalidInput: There is nothing to ask, or a model's file is missing.
    """
    models = gallery_models(gallery)[:2]
    if len(models) < 2:
        raise GenerationMismatch(
            f"gallery {gallery} has one model alone, so there is nothing to compare; stage one: `smserve gallery stage "
            f"--model FILE`"
        )
    unreadable: tuple[Unreadable, ...] = ()
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(open_model(model, model.state))) for model in models]
        if pictures:
            files = (model_in_use, other_model)
            queries, unreadable = queries_from_pictures(pictures, models, files, inference or InferenceSettings())
        else:
            queries = queries_from_items(readers, sample, seed)
        if not queries:
            raise InvalidInput(
                f"there is nothing to ask of gallery {gallery}: it is empty, or none of the pictures can be read",
                field="queries",
            )
        answers: list[Answers] = []
        for start in range(0, len(queries), _BATCH):
            answers += _ask(readers, queries[start : start + _BATCH], max(top_k, *ks))
            if progress is not None:
                progress(len(answers))
    compared = [_compare(query, answer, top_k) for query, answer in zip(queries, answers, strict=True)]
    labelled = [(query.label, answer) for query, answer in zip(queries, answers, strict=True) if query.label]
    right = [[_has(label, hits[:1]) for hits in answer] for label, answer in labelled]
    return ModelComparison(
        in_use=models[0].model_fingerprint,
        other=models[1].model_fingerprint,
        queries=len(queries),
        top_k=top_k,
        overlap=float(np.mean([each.overlap for each in compared])),
        same_first=float(np.mean([each.in_use[:1] == each.other[:1] for each in compared])),
        labelled=len(labelled),
        recall_in_use=_recall([(label, answer[0]) for label, answer in labelled], ks),
        recall_other=_recall([(label, answer[1]) for label, answer in labelled], ks),
        won=sum(after and not before for before, after in right),
        lost=sum(before and not after for before, after in right),
        most_changed=tuple(sorted(compared, key=lambda each: each.overlap)[:_SHOWN]),
        unreadable=unreadable,
    )


def _ask(readers: Sequence[GalleryReader], queries: Sequence[PairedQuery], top_k: int) -> list[Answers]:
    """Return what each model finds, each query's own item left out."""
    found = []
    for side, reader in enumerate(readers):
        vectors = np.stack([query.vectors[side] for query in queries])
        hits = reader.search(vectors, top_k + 1, _NAMES).hits
        found.append(
            [
                tuple(hit for hit in each if hit.item_id != query.item_id)[:top_k]
                for query, each in zip(queries, hits, strict=True)
            ]
        )
    return list(zip(*found, strict=True))


def _compare(query: PairedQuery, answer: Answers, top_k: int) -> ComparedQuery:
    in_use, other = (tuple(hit.item_id for hit in hits[:top_k]) for hits in answer)
    most = max(len(in_use), len(other))
    overlap = len({*in_use} & {*other}) / most if most else 1.0
    return ComparedQuery(item_id=query.item_id, overlap=overlap, in_use=in_use, other=other)


def _recall(labelled: Sequence[tuple[str, tuple[Hit, ...]]], ks: Sequence[int]) -> dict[int, float]:
    if not labelled:
        return {}
    return {k: float(np.mean([_has(label, hits[:k]) for label, hits in labelled])) for k in ks}


def _has(label: str, hits: Sequence[Hit]) -> bool:
    return any(hit.label == label for hit in hits)

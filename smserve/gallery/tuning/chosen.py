"""The index of a new generation: the stored choice, held to its recall on the vectors that it is built over."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, InvalidInput, RecallTooLow
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.publication import BuiltIndex, IndexBuilder, exact_index
from smserve.gallery.tuning.candidates import in_lists
from smserve.gallery.tuning.choice_file import StoredChoice, read_choice, write_choice
from smserve.gallery.tuning.queries import between_neighbours
from smserve.gallery.tuning.recall import Recall
from smserve.gallery.tuning.trial import measure_recall
from smserve.gallery.tuning.tune import EXACT_BELOW, tune
from smserve.types import FloatArray

__all__ = ["chosen_index", "tuned_index"]

_log: Final = logging.getLogger(__name__)
_QUERIES: Final = 1000
_HARDER: Final = 1.5  # each time that the recall is missed
_TRIES: Final = 8  # up to 25 times the effort that was chosen; beyond, exact search is the better way


def chosen_index(
    gallery: Path,
    *,
    min_recall: float | None = None,
    seed: int = 0,
    threads: int = 1,
    exact_below: int = EXACT_BELOW,
) -> IndexBuilder:
    """Return what builds the index that `smserve index tune` stored for a gallery; exact search where nothing is.

    The choice is read when an index is built, so that a new one counts from the next generation on. The index is
    measured again on that generation's vectors; where it misses the recall that it was chosen for, it looks harder
    until it reaches it. A choice that can't be read, or doesn't fit the vectors any more, is logged, and the
    generation is searched exactly: slower, never wrong.

    Args:
        gallery: Its folder.
        min_recall: The lower end of the confidence interval must reach this, or the build fails.
        seed: Of build and queries.
        threads: That build.
        exact_below: Vectors below which a generation is searched exactly whatever was chosen.
    """

    def build(vectors: FloatArray) -> BuiltIndex:
        """Raises RecallTooLow where `min_recall` is missed."""
        stored = _stored(gallery)
        if stored is None or stored.choice.is_exact or len(vectors) < exact_below:
            return exact_index(vectors)
        try:
            index = VectorIndex.build(vectors, stored.choice, seed=seed, threads=threads)
        except InvalidInput as error:
            _log.error("gallery %s is searched exactly: %s", gallery, error.message)
            return exact_index(vectors)
        return _held_to_recall(index, stored, vectors, seed=seed, min_recall=min_recall)

    return build


def tuned_index(
    gallery: Path,
    *,
    recall: float,
    min_recall: float | None = None,
    indexes: Sequence[str] = (),
    seed: int = 0,
    threads: int = 1,
    exact_below: int = EXACT_BELOW,
) -> IndexBuilder:
    """Return what measures indexes on a new generation's vectors, stores the choice, and builds it.

    What is built is measured again, as `chosen_index` does.

    Args:
        gallery: Its folder.
        recall: See `tune`.
        min_recall: See `chosen_index`.
        indexes: See `tune`.
        seed: Of queries and builds.
        threads: That build.
        exact_below: Vectors below which a generation is searched exactly, and nothing is measured or stored.
    """

    def build(vectors: FloatArray) -> BuiltIndex:
        """Raises RecallTooLow where nothing reaches `recall`, or `min_recall` is missed."""
        if len(vectors) < exact_below:
            return exact_index(vectors)
        report = tune(vectors, recall=recall, indexes=indexes, seed=seed, threads=threads, exact_below=exact_below)
        write_choice(gallery, report)
        return chosen_index(gallery, min_recall=min_recall, seed=seed, threads=threads, exact_below=exact_below)(
            vectors
        )

    return build


def _stored(gallery: Path) -> StoredChoice | None:
    try:
        return read_choice(gallery)
    except GalleryDamaged as error:
        _log.error("%s; the next generation is searched exactly", error.message)
        return None


def _held_to_recall(
    index: VectorIndex, stored: StoredChoice, vectors: FloatArray, *, seed: int, min_recall: float | None
) -> BuiltIndex:
    measured = between_neighbours(vectors, _QUERIES, seed)
    recall = measure_recall(index, measured)
    for _ in range(_TRIES):
        if recall.low >= stored.recall:
            break
        index = index.with_settings(_harder(index.choice))
        recall = measure_recall(index, measured)
    if recall.low < stored.recall:
        _log.warning(
            "index %s finds %.4f of the neighbours, it was chosen for %g", index.choice, recall.value, stored.recall
        )
    if min_recall is not None and recall.low < min_recall:
        raise RecallTooLow(
            f"index {index.choice} has recall@{recall.k} {recall.value:.4f} ({recall.low:.4f} to {recall.high:.4f}) on "
            f"these {len(vectors):,} vectors, wanted at least {min_recall:g}; run `smserve index tune` again"
        )
    return BuiltIndex(index=index, recall=_document(recall, stored))


def _harder(choice: IndexChoice) -> IndexChoice:
    candidates = None if choice.efSearch is None else round(choice.efSearch * _HARDER + 0.5)
    factor = None if choice.k_factor is None else choice.k_factor * _HARDER
    harder = replace(choice, efSearch=candidates, k_factor=factor)
    return harder if choice.nprobe is None else in_lists(harder, round(choice.nprobe * _HARDER + 0.5))


def _document(recall: Recall, stored: StoredChoice) -> dict[str, object]:
    """Return what the manifest says of the recall."""
    return {"kind": "measured", "query_kind": "between neighbours", "target": stored.recall, **recall.to_dict()}

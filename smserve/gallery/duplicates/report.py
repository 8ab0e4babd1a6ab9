"""The near-duplicates of a gallery, by name, and as a file."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from smserve.errors import InvalidInput
from smserve.gallery.active import active_folder
from smserve.gallery.bitmap import Positions
from smserve.gallery.duplicates.pairs import EXACT_UP_TO, near_pairs
from smserve.gallery.durable import write_failed
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.records import Records
from smserve.gallery.view import View
from smserve.types import FloatArray

__all__ = ["NearDuplicate", "NearDuplicateCounts", "NearDuplicates", "near_duplicates", "write_near_duplicates"]

_COLUMNS: Final = ("cosine", "item_id", "label", "other_item_id", "other_label")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """Two items that are nearly the same."""

    score: float
    item_id: str
    label: str
    other_item_id: str
    other_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateCounts:
    """How many pairs of items have a cosine that reaches a threshold.

    Attributes:
        threshold: It.
        pairs: All.
        across_labels: Those whose items have different labels: one of the two is often wrong.
        is_exact: Every pair was looked at; else each item's 10 nearest, as an approximate index finds them.
    """

    threshold: float
    pairs: int
    across_labels: int
    is_exact: bool

    def __str__(self) -> str:
        """Return one line for people."""
        how = "" if self.is_exact else ", as far as each item's 10 nearest tell"
        pairs = "pair" if self.pairs == 1 else "pairs"
        return (
            f"near-duplicates, cosine {self.threshold:g} or more: {self.pairs:,} {pairs}, {self.across_labels:,} of "
            f"them across labels{how}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """The near-duplicates of a gallery.

    Attributes:
        counts: How many.
        listed: Those across labels first, then by falling cosine; at most as many as were asked for.
    """

    counts: NearDuplicateCounts
    listed: tuple[NearDuplicate, ...]


def near_duplicates(
    gallery: Path, threshold: float, *, most: int = 10_000, exact_up_to: int = EXACT_UP_TO
) -> NearDuplicates:
    """Find the items of a gallery that are nearly the same.

    Args:
        gallery: Its folder.
        threshold: Cosine, in (0, 1].
        most: Pairs to list; all are counted.
        exact_up_to: Items up to which every pair is looked at.

    Raises:
        InvalidInput: The threshold is out of range.
        GalleryNotFound: There is no gallery.
        GenerationMismatch: Its build was interrupted.
        GalleryDamaged: A row fails its checksum.
    """
    if not 0 < threshold <= 1:
        raise InvalidInput(
            f"near-duplicates from a cosine of {threshold:g} on; wanted more than 0, at most 1", field="threshold"
        )
    folder = active_folder(gallery)
    records = open_records(folder, writable=False, model_fingerprint=None)
    try:
        view, _ = first_view(folder, records)
        keys, vectors = _all(view)
        labels, present = _labels(records, keys)
        keys, vectors, labels = keys[present], vectors if present.all() else vectors[present], labels[present]
        found = near_pairs(vectors, labels, threshold, most=most, exact_up_to=exact_up_to)
        rows = records.by_key(np.unique(keys[np.concatenate([found.first, found.second])]).tolist())
    finally:
        records.close()
    listed = []
    for first, second, score in zip(keys[found.first].tolist(), keys[found.second].tolist(), found.scores, strict=True):
        if first in rows and second in rows:  # else deleted just now
            one, other = rows[first], rows[second]
            listed.append(
                NearDuplicate(
                    score=min(float(score), 1.0),
                    item_id=one.item_id,
                    label=one.label,
                    other_item_id=other.item_id,
                    other_label=other.label,
                )
            )
    counts = NearDuplicateCounts(
        threshold=threshold, pairs=found.total, across_labels=found.total_across, is_exact=found.is_exact
    )
    return NearDuplicates(counts=counts, listed=tuple(listed))


def write_near_duplicates(report: NearDuplicates, file: Path) -> None:
    """Write the listed pairs as CSV, those across labels first.

    Raises:
        SmserveError: The file can't be written.
    """
    try:
        with file.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(_COLUMNS)
            for pair in report.listed:
                writer.writerow([f"{pair.score:.6f}", pair.item_id, pair.label, pair.other_item_id, pair.other_label])
    except OSError as error:
        raise write_failed(str(file), error) from None


def _all(view: View) -> tuple[Positions, FloatArray]:
    """Return keys (N,), ascending, and vectors (N, D) of all that can be found."""
    living = view.fresh.living()
    keys, vectors = view.fresh.keys[living], view.fresh.vectors[living]
    if view.generation is None:
        return keys, vectors
    kept = slice(None) if view.kept is None else view.kept.booleans()
    if not len(keys) and view.kept is None:
        return view.generation.keys, view.generation.vectors  # mapped from its file
    return (
        np.concatenate([view.generation.keys[kept], keys]),
        np.concatenate([view.generation.vectors[kept], vectors]),
    )


def _labels(records: Records, keys: Positions) -> tuple[Positions, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return for each key the number of its row's label, -1 for none, and whether it has a row."""
    numbers: dict[str, int] = {"": -1}
    labels, present = np.full(len(keys), -1, np.int64), np.zeros(len(keys), np.bool_)
    place = 0
    for row in records.rows():  # by key, as `keys` are
        while place < len(keys) and keys[place] < row.key:
            place += 1
        if place < len(keys) and keys[place] == row.key:
            labels[place] = numbers.setdefault(row.label, len(numbers))
            present[place] = True
    return labels, present

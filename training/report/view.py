"""Choose which test pictures a person should look at: hits, misses, the hardest classes, and a map of all."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.datasets import PictureSet
from training.neighbours import nearest_neighbours
from training.report.contents import ClassRow, EmbeddingMap, Neighbour, NeighbourRow, TestView
from training.report.projection import FEWEST, project
from training.report.thumbnails import thumbnail

__all__ = ["Embedded", "view_test"]

_FOUND: Final = 8  # neighbours a row
_ROWS: Final = 8
_CONFUSED: Final = 3
_ROW_SIDE: Final = 96  # pixels
_MAP_SIDE: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedded:
    """Pictures with their decoded squares (N, S, S, 3) and embeddings (N, D)."""

    pictures: PictureSet
    pixels: NDArray[np.uint8]
    embeddings: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    """Queries and their nearest: indices and cosines (N, k), whether right (N, k), and who can be found (N,)."""

    queries: Embedded
    gallery: Embedded
    indices: NDArray[np.int64]
    cosines: NDArray[np.float32]
    right: NDArray[np.bool_]
    answerable: NDArray[np.bool_]

    def row(self, query: int) -> NeighbourRow:
        asked, shown = self.queries.pictures, self.gallery.pictures
        found = [
            Neighbour(
                picture=thumbnail(self.gallery.pixels[index], _ROW_SIDE),
                class_name=shown.class_names[shown.labels[index]],
                name=_short(shown.ids[index]),
                cosine=float(cosine),
                right=bool(right),
            )
            for index, cosine, right in zip(self.indices[query], self.cosines[query], self.right[query], strict=True)
        ]
        return NeighbourRow(
            picture=thumbnail(self.queries.pixels[query], _ROW_SIDE),
            class_name=asked.class_names[asked.labels[query]],
            name=_short(asked.ids[query]),
            found=tuple(found),
        )


def view_test(queries: Embedded, *, gallery: Embedded | None = None, on_map: int = 1500) -> TestView:
    """Return what to look at; the same pictures give the same view.

    Args:
        queries: The test pictures.
        gallery: What they ask; None lets each of them ask all the others.
        on_map: At most this many pictures are placed on the map.
    """
    answers = _ask(queries, gallery)
    if answers.indices.shape[1] == 0:  # nothing to ask
        return TestView(hits=(), misses=(), hardest=(), map=None)
    first = answers.right[:, 0]
    random = np.random.default_rng(0)
    hits = random.permutation(np.flatnonzero(first & answers.answerable))[:_ROWS]
    wrong = np.flatnonzero(~first & answers.answerable)
    misses = wrong[np.argsort(-answers.cosines[wrong, 0], kind="stable")][:_ROWS]
    return TestView(
        hits=tuple(answers.row(int(query)) for query in hits),
        misses=tuple(answers.row(int(query)) for query in misses),
        hardest=_hardest(answers),
        map=_map(queries, first, on_map, random),
    )


def _ask(queries: Embedded, gallery: Embedded | None) -> _Answers:
    indices, distances = nearest_neighbours(
        queries.embeddings, _FOUND, gallery=None if gallery is None else gallery.embeddings
    )
    asked = queries if gallery is None else gallery
    labels, found = queries.pictures.labels, asked.pictures.labels
    counts = np.bincount(found, minlength=len(queries.pictures.class_names))
    return _Answers(
        queries=queries,
        gallery=asked,
        indices=indices.numpy(),
        cosines=(1 - distances / 2).numpy(),
        right=found[indices.numpy()] == labels[:, None],
        answerable=counts[labels] > (1 if gallery is None else 0),
    )


def _hardest(answers: _Answers) -> tuple[ClassRow, ...]:
    """The classes with the lowest Recall@1, those with more queries first, then those with fewer right neighbours."""
    labels = answers.queries.pictures.labels
    names = answers.gallery.pictures.class_names
    of_class = {
        int(label): np.flatnonzero((labels == label) & answers.answerable)
        for label in np.unique(labels[answers.answerable])
    }
    ranks = {
        label: (answers.right[members, 0].mean(), -len(members), answers.right[members].mean(), label)
        for label, members in of_class.items()
        if not answers.right[members, 0].all()
    }
    rows = []
    for label in sorted(ranks, key=ranks.__getitem__)[:_ROWS]:
        members = of_class[label]
        wrong = members[~answers.right[members, 0]]
        found = Counter(names[answers.gallery.pictures.labels[index]] for index in answers.indices[wrong, 0])
        rows.append(
            ClassRow(
                class_name=names[label],
                pictures=len(members),
                recall_at_1=float(answers.right[members, 0].mean()),
                confused=tuple(found.most_common(_CONFUSED)),
                example=answers.row(int(wrong[np.argmax(answers.cosines[wrong, 0])])),
            )
        )
    return tuple(rows)


def _map(queries: Embedded, right: NDArray[np.bool_], most: int, random: np.random.Generator) -> EmbeddingMap | None:
    """Place whole classes, drawn at random, so that their pictures can be seen to lie together."""
    total = len(queries.pictures)
    if min(total, most) < FEWEST:
        return None
    labels = queries.pictures.labels
    rank = random.permutation(int(labels.max()) + 1)
    chosen = np.sort(np.argsort(rank[labels], kind="stable")[:most])
    pictures = queries.pictures
    return EmbeddingMap(
        places=project(queries.embeddings[chosen].cpu().numpy()),
        pictures=tuple(thumbnail(queries.pixels[index], _MAP_SIDE, quality=60) for index in chosen),
        class_names=tuple(pictures.class_names[labels[index]] for index in chosen),
        names=tuple(_short(pictures.ids[index]) for index in chosen),
        right=right[chosen],
        of=total,
    )


def _short(name: str) -> str:
    """Return a picture's id without this machine's folders, which a CSV may name."""
    return "/".join(Path(name).parts[-2:]) if Path(name).is_absolute() else name

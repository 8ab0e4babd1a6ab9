"""A writer that says what was acknowledged, and what must be left of it: `python -m benchmarks.crashing.writes`.

Arguments: the gallery's folder, a seed, how many writes, and `--alone` for no compactions beside them. What is written
follows from the seed alone, so that whoever reads how many were acknowledged knows what must be there.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smserve.gallery import CompactionPolicy, LiveGallery, LocalGallery, NewItem, Written, is_finished
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.random_operations import check_hits

DIMENSION = 16
MODEL = "d" * 64
EAGER = CompactionPolicy(share=0.0, least=40)
_IDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An upsert of items, or a deletion of ids."""

    items: Sequence[NewItem] = ()
    deleted: Sequence[str] = ()

    def to(self, gallery: LiveGallery, request_id: str = "") -> Written:
        """Do it."""
        if self.items:
            return gallery.upsert(self.items, request_id=request_id)
        return gallery.delete(self.deleted, request_id=request_id)


def writes_of(seed: int) -> Iterator[Write]:
    """Yield the writes of a seed, without an end."""
    random = np.random.default_rng(seed)
    for number in range(1 << 60):
        ids = [f"item-{each}" for each in random.integers(0, _IDS, random.integers(1, 5))]
        if random.random() < 0.2:
            yield Write(deleted=ids)
        else:
            vectors = unit_vectors(len(ids), DIMENSION, int(random.integers(1 << 30)))
            yield Write(
                items=[
                    NewItem(item_id=name, vector=vector, label=str(number))
                    for name, vector in zip(ids, vectors, strict=True)
                ]
            )


def lost(path: Path, seed: int, acknowledged: int) -> int:
    """Return how many items are wrong in a gallery after so many acknowledged writes.

    The write after them may be there, whole, or not at all.
    """
    gallery = LocalGallery.open(path)
    oracle, stored = BruteForce(), _stored(gallery)
    wrong = []
    for number, write in enumerate(writes_of(seed)):
        if number >= acknowledged:
            wrong.append(_differences(stored, oracle))
        if number > acknowledged:
            break
        oracle.upsert(write.items)
        oracle.delete(write.deleted)
    try:
        for query in unit_vectors(3, DIMENSION, seed):
            (hits,) = gallery.search(query[np.newaxis], 2 * _IDS, FieldMask()).hits
            check_hits(query, hits, list(stored.values()), 2 * _IDS)
    except AssertionError as error:
        print(f"seed {seed}: a search finds something else than is stored: {error}")
        return max(1, min(wrong))
    finally:
        gallery.close()
    return min(wrong)


def _stored(gallery: LocalGallery) -> dict[str, NewItem]:
    items = gallery.page(2 * _IDS, "", FieldMask(vector=True)).items
    return {
        item.item_id: NewItem(item_id=item.item_id, vector=item.vector, label=item.label)
        for item in items
        if item.vector is not None
    }


def _differences(stored: dict[str, NewItem], oracle: BruteForce) -> int:
    """Return in how many items they differ."""
    both = stored.keys() & oracle.items.keys()
    same = sum(
        stored[name].label == oracle.items[name].label
        and stored[name].vector.tobytes() == oracle.items[name].vector.tobytes()
        for name in both
    )
    return len(stored.keys() | oracle.items.keys()) - same


def _main(path: Path, seed: int, most: int, *, alone: bool) -> None:
    """Write; `alone` means without compactions beside it."""
    if not is_finished(path):
        LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
    with LiveGallery.open(path, compaction=None if alone else EAGER) as gallery:
        for number, write in zip(range(most), writes_of(seed), strict=False):
            write.to(gallery, f"write-{number}")
            sys.stdout.write(f"{number + 1}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), alone="--alone" in sys.argv)

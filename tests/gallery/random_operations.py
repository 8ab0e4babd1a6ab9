"""Random operations on a live gallery and on a dictionary: whatever is done, both must answer alike.

Used by test_model.py for some thousand operations, and by benchmarks/gallery_model.py for as many as one likes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from smserve.errors import GenerationMismatch, ItemNotFound
from smserve.gallery import LiveGallery, LocalGallery, NewItem
from smserve.types import FieldMask, FloatArray, Hit
from tests.gallery.brute_force import BruteForce
from tests.gallery.labelled import Labelled

DIMENSION = 8
MODEL = "c" * 64
TOLERANCE = 1e-5
_LABELS = 4
_ODDS = {  # how often each operation is done, of their sum
    "upsert": 30,
    "delete": 10,
    "delete_where": 1,
    "repeat": 4,
    "search": 40,
    "search_where": 8,
    "get": 6,
    "page": 2,
    "count": 3,
    "reader": 6,
    "compact": 2,
    "roll_back": 2,
    "reopen": 2,
}


class RandomOperations:
    """A gallery, its oracle, and a reader that follows from outside."""

    def __init__(self, path: Path, seed: int, *, ids: int = 200) -> None:
        LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
        self.path = path
        self.ids = ids
        self.random = np.random.default_rng(seed)
        self.oracle = BruteForce()
        self.done: Counter[str] = Counter()
        self.gallery = self._open()
        self.reader = LocalGallery.open(path)
        self._last: tuple[Sequence[NewItem], int] = ([], 0)  # of the last upsert with a request id: items, sequence

    def step(self) -> str:
        """Do one operation; returns its name.

        Raises:
            AssertionError: The gallery and its oracle differ.
        """
        names, odds = list(_ODDS), np.array(list(_ODDS.values()))
        name = str(self.random.choice(names, p=odds / odds.sum()))
        getattr(self, f"_{name}")()
        self.done[name] += 1
        assert self.gallery.info().item_count == len(self.oracle.items)
        return name

    def close(self) -> None:
        self.reader.close()
        self.gallery.close()

    def _open(self) -> LiveGallery:
        return LiveGallery.open(self.path, model_fingerprint=MODEL, compaction=None)

    def _vectors(self, count: int) -> FloatArray:
        vectors = self.random.standard_normal((count, DIMENSION)).astype(np.float32)
        unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def _some_ids(self, most: int) -> list[str]:
        return [f"item-{number}" for number in self.random.integers(0, self.ids, self.random.integers(1, most + 1))]

    def _upsert(self) -> None:
        ids = self._some_ids(4)
        labels = self.random.integers(0, _LABELS, len(ids))
        items = [
            NewItem(item_id=item_id, vector=vector, label=f"l{label}", payload={"n": int(label)})
            for item_id, vector, label in zip(ids, self._vectors(len(ids)), labels, strict=True)
        ]
        request_id = f"request-{self.random.integers(1 << 60)}" if self.random.random() < 0.5 else ""
        written = self.gallery.upsert(items, request_id=request_id)
        assert (written.item_count, written.repeated) == (len({*ids}), False)
        self.oracle.upsert(items)
        if request_id:
            self._last = items, written.sequence
            self._last_id = request_id

    def _delete(self) -> None:
        ids = self._some_ids(3)
        assert self.gallery.delete(ids).item_count == len(self.oracle.items.keys() & {*ids})
        self.oracle.delete(ids)

    def _delete_where(self) -> None:
        label = self._label()
        ids = [item.item_id for item in self.oracle.items.values() if item.label == label]
        assert self.gallery.delete(Labelled(label)).item_count == len(ids)
        self.oracle.delete(ids)

    def _repeat(self) -> None:
        items, sequence = self._last
        if sequence:
            written = self.gallery.upsert(items, request_id=self._last_id)
            assert (written.sequence, written.repeated) == (sequence, True)

    def _search(self) -> None:
        self._compare(self.gallery, None)

    def _search_where(self) -> None:
        self._compare(self.gallery, self._label())

    def _reader(self) -> None:
        if self.random.random() < 0.9:
            self.reader.reload()
            self._compare(self.reader, self._label() if self.random.random() < 0.3 else None)
        else:
            self.reader.close()
            self.reader = LocalGallery.open(self.path)
            self._compare(self.reader, None)

    def _get(self) -> None:
        (item_id,) = self._some_ids(1)
        wanted = self.oracle.items.get(item_id)
        try:
            got = self.gallery.get(item_id, FieldMask(vector=True))
        except ItemNotFound:
            assert wanted is None
        else:
            assert wanted is not None
            assert (got.label, got.payload) == (wanted.label, wanted.payload)
            assert got.vector is not None
            assert got.vector.tolist() == wanted.vector.tolist()

    def _page(self) -> None:
        label = self._label() if self.random.random() < 0.5 else None
        condition = Labelled(label) if label is not None else None
        found, token, size = [], "", int(self.random.integers(1, 60))
        while True:
            page = self.gallery.page(size, token, FieldMask(), condition)
            assert len(page.items) <= size
            found += [item.item_id for item in page.items]
            token = page.next_token
            if not token:
                break
        assert sorted(found) == sorted(i.item_id for i in self.oracle.items.values() if label in {None, i.label})

    def _count(self) -> None:
        by_label = Counter(item.label for item in self.oracle.items.values())
        counts = self.gallery.count(by_label=True)
        assert (counts.total, counts.by_label) == (len(self.oracle.items), dict(by_label))
        assert self.gallery.count().total == len(self.oracle.items)
        label = self._label()
        assert self.gallery.count(Labelled(label)).total == by_label[label]

    def _compact(self) -> None:
        before = self.gallery.info().generation
        assert self.gallery.compact().number != before

    def _roll_back(self) -> None:
        before = self.gallery.info().generation
        try:
            back = self.gallery.roll_back(expected=before)
        except GenerationMismatch:
            assert len(self.gallery.generations()) == 1
        else:
            assert self.gallery.info().generation == back.number != before

    def _reopen(self) -> None:
        before = self.gallery.info()
        self.gallery.close()
        self.gallery = self._open()
        after = self.gallery.info()
        assert after.tombstone_count <= before.tombstone_count  # fresh rows that are gone are not read again
        assert replace(after, tombstone_count=before.tombstone_count) == before

    def _label(self) -> str:
        return f"l{self.random.integers(0, _LABELS)}"

    def _compare(self, gallery: LiveGallery | LocalGallery, label: str | None) -> None:
        queries, top_k = self._vectors(int(self.random.integers(1, 3))), int(self.random.choice([1, 3, 10, 500]))
        condition = Labelled(label) if label is not None else None
        answer = gallery.search(queries, top_k, FieldMask(), condition)
        items = [item for item in self.oracle.items.values() if label in {None, item.label}]
        for query, hits in zip(queries, answer.hits, strict=True):
            check_hits(query, hits, items, top_k)


def check_hits(query: FloatArray, hits: Sequence[Hit], items: Sequence[NewItem], top_k: int) -> None:
    """Check an answer against all items; scores within `TOLERANCE` of each other may swap places."""
    scores = {item.item_id: float(query @ item.vector) for item in items}
    labels = {item.item_id: item.label for item in items}
    wanted = sorted(scores.values(), reverse=True)[:top_k]
    assert len(hits) == len({hit.item_id for hit in hits}) == len(wanted)
    np.testing.assert_allclose([hit.score for hit in hits], wanted, rtol=0, atol=TOLERANCE)
    for hit in hits:
        assert abs(hit.score - scores[hit.item_id]) <= TOLERANCE
        assert hit.label == labels[hit.item_id]

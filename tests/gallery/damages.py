"""A gallery to be damaged, and everything that it must answer; whatever is damaged, no answer may be wrong.

Used by test_damage.py for some flips, and by benchmarks/damage.py for a thousand.
"""

import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from smserve.errors import ItemNotFound, SmserveError
from smserve.filters import matches, parse_filter
from smserve.gallery import GalleryReader, LiveGallery, LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.filtering import FilterCondition, declare_fields
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.publication import BuiltIndex
from smserve.types import FieldMask, FloatArray, Item
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, numbered
from tests.gallery.random_operations import check_hits

__all__ = ["FILES", "Damage", "Outcome", "damaged_copy", "examine", "expected", "make_sources", "write_more"]

FILES = (
    "gallery.sqlite",
    "gallery.sqlite-wal",
    "COMMITTED",
    "CURRENT",
    "index-choice.json",
    *(
        f"generations/{number:06d}/{name}"
        for number in (1, 2)
        for name in ("vectors.f32", "keys.i64", "index.faiss", "manifest.json")
    ),
)
"""What a gallery depends on; the folder holds a lock beside these, and shared memory that SQLite makes anew.

Pages that the log has, too, are not read from the database: so there is a second gallery, closed in order, without one.
"""

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)
LATE = numbered(range(38, 44), seed=38)  # two a write; only the write-ahead log has them
FILTERS = ("number >= 20 and number < 33", 'label = "class-1"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A flipped bit, or a file that ends early.

    Attributes:
        source: Of which gallery: "killed" or "closed".
        file: Its name in the gallery.
        position: The byte.
        bit: Of that byte; -1 where the file ends before it.
    """

    source: str
    file: str
    position: int
    bit: int = -1


@dataclass(slots=True)
class Outcome:
    """What came of asking a gallery everything.

    Attributes:
        said: What it said was wrong, in errors and in its log.
        wrong: Answers that were wrong, without a word.
    """

    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Note what a question comes to."""
        try:
            yield
        except SmserveError as error:
            self.said.append(f"{what}: {error.reason}: {error.message}")
        except AssertionError as error:
            self.wrong.append(f"{what}: {error}")


def make_sources(folder: Path) -> None:
    """Make two galleries of the same items: `killed`, whose last writes only the log has, and `closed`, without one."""
    killed, closed = folder / "killed", folder / "closed"
    done = subprocess.run([sys.executable, "-m", "tests.gallery.damages", str(killed)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert all((killed / name).exists() for name in FILES)
    shutil.copytree(killed, closed)
    LocalGalleryWriter(closed, model_fingerprint=MODEL, dimension=DIMENSION).close()
    assert not (closed / "gallery.sqlite-wal").exists()


def expected() -> BruteForce:
    """Return what that gallery must answer."""
    oracle = BruteForce()
    oracle.upsert(numbered(range(40), seed=0))
    oracle.delete(["item-3"])
    oracle.upsert(LATE)
    oracle.delete(["item-7"])
    return oracle


def damaged_copy(sources: Path, path: Path, damage: Damage) -> Path:
    """Copy a gallery, with one damage."""
    shutil.copytree(sources / damage.source, path)
    file = path / damage.file
    data = bytearray(file.read_bytes())
    if damage.bit < 0:
        del data[damage.position :]
    else:
        data[damage.position] ^= 1 << damage.bit
    file.write_bytes(data)
    return path


def examine(path: Path, oracle: BruteForce) -> Outcome:
    """Open a gallery for reading and ask it everything."""
    outcome = Outcome()
    with _logged(outcome), outcome.of("open"):
        gallery = LocalGallery.open(path, model_fingerprint=MODEL)
        try:
            _ask(gallery, oracle, outcome)
        finally:
            gallery.close()
    return outcome


def write_more(path: Path, oracle: BruteForce) -> Outcome:
    """Write to a gallery, compact it, and ask it everything again, until it refuses something."""
    outcome, more = Outcome(), numbered(range(41, 50), seed=50)
    with _logged(outcome), outcome.of("write"), LiveGallery.open(path, compaction=None) as gallery:
        again = gallery.upsert(LATE[2:4], request_id="late-2")
        assert again.repeated, "a request was done again"
        gallery.upsert(more, request_id="more")
        oracle.upsert(more)
        assert gallery.delete(["item-5", "nothing"]).item_count == 1, "another number was deleted"
        oracle.delete(["item-5"])
        _ask(gallery, oracle, outcome)
        gallery.compact()
        _ask(gallery, oracle, outcome)
    if not outcome.said and not outcome.wrong:
        after = examine(path, oracle)
        outcome.said += after.said
        outcome.wrong += after.wrong
    return outcome


def _ask(gallery: GalleryReader, oracle: BruteForce, outcome: Outcome) -> None:
    items, queries = list(oracle.items.values()), unit_vectors(3, DIMENSION, seed=9)
    for top_k in (5, 100):
        with outcome.of(f"search {top_k}"):
            for query, hits in zip(queries, gallery.search(queries, top_k, EVERYTHING).hits, strict=True):
                check_hits(query, hits, items, top_k)
                for hit in hits:
                    _same(hit.payload, hit.vector, hit.thumbnail, oracle.items[hit.item_id])
    for text in FILTERS:
        with outcome.of(f"search where {text}"):
            _ask_where(gallery, oracle, text, queries)
    for item in items:
        with outcome.of(f"get {item.item_id}"):
            try:
                _same_item(gallery.get(item.item_id, EVERYTHING), item)
            except ItemNotFound:
                raise AssertionError("it is missing") from None
    for name in ("item-3", "item-7", "nothing"):
        with outcome.of(f"get {name}"):
            try:
                gallery.get(name, EVERYTHING)
            except ItemNotFound:
                continue
            raise AssertionError("it was deleted, and is there")
    with outcome.of("page"):
        _ask_pages(gallery, oracle)
    with outcome.of("count"):
        counts = gallery.count(by_label=True)
        labels = [item.label for item in items]
        assert counts.total == gallery.count().total == gallery.info().item_count == len(items), "another count"
        assert counts.by_label == {label: labels.count(label) for label in labels}, "other counts by label"


def _ask_where(gallery: GalleryReader, oracle: BruteForce, text: str, queries: FloatArray) -> None:
    condition = FilterCondition(parse_filter(text))
    kept = [
        item
        for item in oracle.items.values()
        if matches(condition.filter, label=item.label, item_id=item.item_id, payload=item.payload)
    ]
    for query, hits in zip(queries, gallery.search(queries, 9, FieldMask(), condition).hits, strict=True):
        check_hits(query, hits, kept, 9)
    assert gallery.count(condition).total == len(kept), "another count"


def _ask_pages(gallery: GalleryReader, oracle: BruteForce) -> None:
    token, seen = "", []
    while True:
        page = gallery.page(7, token, EVERYTHING)
        for item in page.items:
            _same_item(item, oracle.items[item.item_id])
            seen.append(item.item_id)
        token = page.next_token
        if not token:
            break
        assert len(seen) <= len(oracle.items), "too many pages"
    assert sorted(seen) == sorted(oracle.items), "other items"


def _same_item(got: Item, wanted: NewItem) -> None:
    _same(got.payload, got.vector, got.thumbnail, wanted)
    assert (got.label, got.source_uri) == (wanted.label, wanted.source_uri), "another label or source"


def _same(payload: object, vector: FloatArray | None, thumbnail: bytes | None, wanted: NewItem) -> None:
    assert payload == wanted.payload, "another payload"
    assert vector is not None and vector.tobytes() == wanted.vector.tobytes(), "another vector"  # noqa: PT018
    assert thumbnail == wanted.thumbnail, "another thumbnail, or none"


@contextmanager
def _logged(outcome: Outcome) -> Iterator[None]:
    """Take what is logged as an error for something that was said."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            outcome.said.append(record.getMessage())

    logger, handler = logging.getLogger("smserve"), Handler(logging.ERROR)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _ivf(vectors: FloatArray) -> BuiltIndex:
    choice = IndexChoice(index="IVF2,Flat", nprobe=2)
    return BuiltIndex(index=VectorIndex.build(vectors, choice), recall={"kind": "all cells"})


def _write_choice(path: Path) -> None:
    fields = {"format_version": 1, "choice": IndexChoice().to_dict(), "recall": 0.99, "report": {}}
    checksum = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    (path / "index-choice.json").write_text(json.dumps({**fields, "checksum": checksum}))


def _main(path: Path) -> None:
    """Write, and die."""
    open_writer: Callable[[], LocalGalleryWriter] = lambda: LocalGalleryWriter(  # noqa: E731 - it is used twice
        path, model_fingerprint=MODEL, dimension=DIMENSION
    )
    items = numbered(range(40), seed=0)
    with open_writer() as writer:
        with writer._records.database.transaction() as execute:
            declare_fields(execute, ["number"])
        writer.upsert(items[:30], request_id="first")
        writer.publish()
        writer.upsert(items[30:], request_id="second")
        writer.delete(["item-3"], request_id="third")
        writer.publish(_ivf)
    _write_choice(path)
    writer = open_writer()
    for start in range(0, len(LATE), 2):
        writer.upsert([replace(item) for item in LATE[start : start + 2]], request_id=f"late-{start}")
    writer.delete(["item-7"])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))

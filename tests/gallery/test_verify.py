"""Verification finds whatever damage has an effect, says which, and changes nothing."""

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryNotFound
from smserve.gallery import LiveGallery
from smserve.gallery.findings import Effect
from smserve.gallery.generation import generation_folder, manifest_bytes, read_manifest
from smserve.gallery.verify import verify_gallery
from tests.gallery.conftest import Published, numbered
from tests.gallery.damages import FILES, Damage, damaged_copy, examine, expected, make_sources, write_more
from tests.gallery.make_golden import GOLDEN
from tests.gallery.test_local import writer_of


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damages")
    make_sources(folder)
    return folder


def contents_of(path: Path) -> dict[str, bytes]:
    """Every file that holds something; SQLite makes an empty log and shared memory where it needs them."""
    files = {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and not file.name.endswith("-shm")}
    return {str(file): data for file, data in files.items() if data}


@pytest.mark.parametrize("source", ["killed", "closed"])
def test_a_sound_gallery(sources: Path, in_memory: Path, source: str) -> None:
    path = Path(shutil.copytree(sources / source, in_memory / "g"))
    before = contents_of(path)
    found = verify_gallery(path)
    assert found.is_sound
    assert (found.findings, found.item_count, found.sequence, found.generations) == ((), 42, 7, (2, 1))
    assert contents_of(path) == before
    for outcome in (examine(path, expected()), write_more(path, expected())):
        assert (outcome.said, outcome.wrong) == ([], [])
    assert verify_gallery(path).is_sound


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_a_sound_gallery_of_another_version(version: str, tmp_path: Path) -> None:
    assert verify_gallery(Path(shutil.copytree(GOLDEN / version, tmp_path / "g"))).findings == ()


def test_what_has_an_effect_is_found_and_nothing_is_answered_wrongly(sources: Path, in_memory: Path) -> None:
    """One flipped bit or cut of each file, and more of the database and its log; the benchmark damage tries 1,200."""
    random, effects = np.random.default_rng(0), set()
    places = [("killed", name) for name in (*FILES, *["gallery.sqlite-wal"] * 4)] + [("closed", "gallery.sqlite")] * 12
    for number, (source, name) in enumerate(places):
        size = (sources / source / name).stat().st_size
        bit = -1 if number % 5 == 4 else int(random.integers(8))
        damage = Damage(source=source, file=name, position=int(random.integers(size)), bit=bit)
        path = damaged_copy(sources, in_memory / str(number), damage)
        before = contents_of(path)
        found = verify_gallery(path)
        assert contents_of(path) == before, damage
        read, written = examine(path, expected()), write_more(path, expected())
        assert read.wrong + written.wrong == [], damage
        assert not found.is_sound or read.said + written.said == [], damage
        effects.add(found.findings[0].effect if found.findings else None)
        shutil.rmtree(path)
    assert effects >= {None, Effect.REFUSED, Effect.FALLBACK}


@pytest.fixture
def edited(published: Published) -> Iterator[sqlite3.Connection]:
    """The database of a gallery of 40 items, open for changes that no smserve would make."""
    connection = sqlite3.connect(published.path / "gallery.sqlite")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("change", "place", "problem"),
    [
        ("UPDATE items SET label = 'x' WHERE item_id = 'item-7'", "gallery.sqlite, item 'item-7'", "checksum"),
        ("UPDATE thumbnails SET image = x'00' WHERE key = 2", "gallery.sqlite, thumbnail 2", "checksum"),
        ("DELETE FROM thumbnails WHERE key = 2", "gallery.sqlite", "19 thumbnails|was written"),
        ("UPDATE thumbnails SET key = 99 WHERE key = 2", "gallery.sqlite", "was written"),
        ("DELETE FROM items WHERE key = 9", "gallery.sqlite", "was written"),
        ("UPDATE requests SET digest = 'x'", "gallery.sqlite", "request 'r'.*checksum"),
        ("UPDATE removed SET key = 2 WHERE key = 1", "gallery.sqlite", "checksum"),
        ("UPDATE meta SET value = '9' WHERE name = 'last_sequence'", "gallery.sqlite", "last write"),
        ("DELETE FROM meta WHERE name = 'contents'", "gallery.sqlite", "does not hold what was acknowledged"),
        ("UPDATE meta SET value = 'b' WHERE name = 'model_fingerprint'", "gallery.sqlite", "about itself"),
        ("DROP INDEX items_by_label", "gallery.sqlite", "declares items_by_label in another way"),
    ],
)
def test_every_table_is_looked_at(
    published: Published, edited: sqlite3.Connection, change: str, place: str, problem: str
) -> None:
    with writer_of(published.path) as writer:
        writer.delete(["item-0"], request_id="r")
    edited.execute(change)
    edited.commit()
    found = verify_gallery(published.path)
    assert not found.is_sound
    assert any(each.place == place for each in found.findings)
    assert any(re.search(problem, each.problem) for each in found.findings)


def test_a_generation_with_another_vector_is_found(published: Published) -> None:
    """Its checksums are right: it was damaged in memory, before it was written."""
    folder = generation_folder(published.path, 1)
    vectors = np.fromfile(folder / "vectors.f32", np.float32)
    vectors[0] += 0.5
    vectors.tofile(folder / "vectors.f32")
    manifest = read_manifest(published.path, 1)
    sha256 = {**manifest.sha256, "vectors.f32": hashlib.sha256(vectors.tobytes()).hexdigest()}
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(manifest, sha256=sha256)))
    (finding,) = verify_gallery(published.path).findings
    assert finding.place == "generations/000001"
    assert "item 'item-0'" in finding.problem


def test_a_gallery_in_use_is_sound(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        for start in range(3):
            gallery.upsert(numbered(range(start, start + 30), seed=start))
            assert verify_gallery(published.path).findings == ()
            gallery.compact()
            assert verify_gallery(published.path).findings == ()
        gallery.roll_back()
        assert verify_gallery(published.path).findings == ()


def test_an_unfinished_build_is_no_damage(tmp_path: Path) -> None:
    with writer_of(tmp_path / "g") as writer:
        writer.upsert(numbered(range(3), seed=0))
    found = verify_gallery(tmp_path / "g")
    assert found.is_sound
    assert [finding.effect for finding in found.findings] == [Effect.NONE]


def test_a_lost_committed_is_told(published: Published) -> None:
    (published.path / "COMMITTED").unlink()
    (finding,) = verify_gallery(published.path).findings
    assert (finding.place, finding.effect) == ("COMMITTED", Effect.NONE)


def test_a_damaged_active_is_told(published: Published) -> None:
    (published.path / "ACTIVE").write_bytes(b"{}")
    (finding,) = verify_gallery(published.path).findings
    assert (finding.place, finding.effect) == ("ACTIVE", Effect.REFUSED)


def test_what_is_no_gallery(tmp_path: Path) -> None:
    with pytest.raises(GalleryNotFound, match=r"has no gallery\.sqlite"):
        verify_gallery(tmp_path)

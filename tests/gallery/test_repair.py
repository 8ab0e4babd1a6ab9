"""A repair does what can be done, gives nothing up unasked, and keeps what it replaces."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import DiskFull, GalleryDamaged, GalleryLocked
from smserve.gallery import LocalGallery
from smserve.gallery.repair import repair_gallery
from smserve.gallery.verify import verify_gallery
from smserve.types import FieldMask
from tests.gallery.conftest import Published
from tests.gallery.damages import FILES, Damage, damaged_copy, examine, expected, make_sources, write_more
from tests.gallery.make_golden import GOLDEN, MODEL
from tests.gallery.test_full_disk import files_up_to
from tests.gallery.test_local import writer_of


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damages")
    make_sources(folder)
    return folder


def flip(file: Path, position: int, bit: int = 0) -> None:
    data = bytearray(file.read_bytes())
    data[position] ^= 1 << bit
    file.write_bytes(data)


def test_a_sound_gallery_is_left_alone(published: Published) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.path.rglob("*") if path.name != "LOCK"}
    report = repair_gallery(published.path)
    assert (report.done, report.lost, report.aside, report.after.is_sound) == ((), (), None, True)
    assert {path: path.stat().st_mtime_ns for path in published.path.rglob("*") if path in before} == before


def test_every_flipped_bit_is_undone(sources: Path, in_memory: Path) -> None:
    """Everything is stored twice, or checked by sums that say when it was read right."""
    random = np.random.default_rng(0)
    mended = 0
    places = [("killed", name) for name in (*FILES, *["gallery.sqlite-wal"] * 3)] + [("closed", "gallery.sqlite")] * 8
    for number, (source, name) in enumerate(places):
        position = int(random.integers((sources / source / name).stat().st_size))
        damage = Damage(source=source, file=name, position=position, bit=int(random.integers(8)))
        path = damaged_copy(sources, in_memory / str(number), damage)
        if not verify_gallery(path).is_sound:
            report = repair_gallery(path)
            assert (report.lost, report.after.findings) == ((), ()), damage
            assert report.done
            mended += 1
            for outcome in (examine(path, expected()), write_more(path, expected())):
                assert (outcome.said, outcome.wrong) == ([], []), damage
        shutil.rmtree(path)
    assert mended > 12


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("generations/000002/index.faiss", "generation 3 made from the rows"),
        ("generations/000002/manifest.json", "generation 3 made from the rows"),
        ("generations/000001/keys.i64", "generation 1 put aside"),
        ("CURRENT", "CURRENT names generation 2"),
        ("COMMITTED", "COMMITTED written again"),
        ("index-choice.json", "index-choice.json put aside"),
    ],
)
def test_what_is_replaced_is_kept(sources: Path, in_memory: Path, name: str, done: str) -> None:
    path = damaged_copy(sources, in_memory / "g", Damage(source="killed", file=name, position=11, bit=1))
    damaged = (path / name).read_bytes()
    report = repair_gallery(path)
    assert (report.lost, report.after.findings) == ((), ())
    assert any(line.startswith(done) for line in report.done)
    assert report.aside is not None
    assert (report.aside / name).read_bytes() == damaged


def test_a_damaged_vector_is_taken_from_a_generation(published: Published) -> None:
    vector = published.oracle.items["item-7"].vector.tobytes()
    file = published.path / "gallery.sqlite"
    flip(file, file.read_bytes().index(vector) + 9)
    report = repair_gallery(published.path)
    assert report.done[:2] == (
        "gallery.sqlite made anew of 40 sound items, as write 3",
        "1 vectors taken from a generation: item-7",
    )
    assert report.after.is_sound
    published.check().close()


def test_a_damaged_row_is_given_up_only_when_that_is_accepted(published: Published) -> None:
    with sqlite3.connect(published.path / "gallery.sqlite") as connection:
        connection.execute("UPDATE items SET label = 'x' WHERE item_id = 'item-7'")
    connection.close()
    before = (published.path / "gallery.sqlite").read_bytes()
    report = repair_gallery(published.path)
    assert report.lost[0] == "item 'item-7' (key 8) fails its checksum"
    assert (report.done, report.aside, report.after.is_sound) == ((), None, False)
    assert (published.path / "gallery.sqlite").read_bytes() == before
    report = repair_gallery(published.path, accept_loss=True)
    assert report.lost[0] == "item 'item-7' (key 8) fails its checksum"
    assert report.after.findings == ()
    assert report.aside is not None
    assert (report.aside / "gallery.sqlite").read_bytes() == before
    published.oracle.delete(["item-7"])
    published.check().close()
    with writer_of(published.path) as writer:  # and it goes on
        assert writer.delete(["item-8"]).sequence == 4


def test_a_cut_log_loses_writes_with_a_word(sources: Path, in_memory: Path) -> None:
    cut = (sources / "killed" / "gallery.sqlite-wal").stat().st_size * 2 // 3
    path = damaged_copy(sources, in_memory / "g", Damage(source="killed", file="gallery.sqlite-wal", position=cut))
    with pytest.raises(GalleryDamaged, match="lost acknowledged writes"):
        LocalGallery.open(path)
    report = repair_gallery(path)
    assert report.lost[0].startswith("acknowledged writes after ")
    assert not report.after.is_sound
    assert repair_gallery(path, accept_loss=True).after.is_sound
    gallery = LocalGallery.open(path)
    (hits,) = gallery.search(expected().items["item-30"].vector[np.newaxis], 1, FieldMask()).hits
    assert hits[0].item_id == "item-30"  # from before the loss
    gallery.close()


def test_nothing_is_made_of_nothing(published: Published) -> None:
    (published.path / "gallery.sqlite").write_bytes(b"hello")
    for accept_loss in (False, True):
        report = repair_gallery(published.path, accept_loss=accept_loss)
        assert report.lost == ("gallery.sqlite can't be read as a gallery's any more; restore it from a copy",)
        assert (published.path / "gallery.sqlite").read_bytes() == b"hello"
        assert len(list((published.path / "generations").iterdir())) == 2


def test_an_old_gallery_is_mended(tmp_path: Path) -> None:
    path = Path(shutil.copytree(GOLDEN / "v1", tmp_path / "g"))
    file = path / "gallery.sqlite"
    flip(file, file.read_bytes().index(b"items_by_sequence") + 2)
    assert repair_gallery(path).after.findings == ()
    gallery = LocalGallery.open(path, model_fingerprint=MODEL)
    assert gallery.info().item_count == 6
    gallery.close()


def test_a_writer_keeps_it_off(published: Published) -> None:
    (published.path / "CURRENT").write_bytes(b"{}")
    with writer_of(published.path), pytest.raises(GalleryLocked, match="written to by process"):
        repair_gallery(published.path)


def test_without_room_nothing_changes(published: Published) -> None:
    file = published.path / "gallery.sqlite"
    flip(file, file.read_bytes().index(published.oracle.items["item-7"].vector.tobytes()))
    before = file.read_bytes()
    with files_up_to(len(before) // 2), pytest.raises(DiskFull):
        repair_gallery(published.path)
    assert file.read_bytes() == before
    assert repair_gallery(published.path).after.is_sound
    assert json.loads((published.path / "COMMITTED").read_text())["sequence"] == 3

"""Snapshots: whole or refused, made while a writer writes, restored elsewhere."""

import io
import json
import shutil
import sqlite3
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import AlreadyExists, GalleryDamaged, GalleryExists, GalleryNotFound, InvalidInput, SmserveError
from smserve.gallery import LocalGallery, LocalGalleryWriter
from smserve.gallery.snapshot import restore_snapshot, write_snapshot
from smserve.types import FieldMask
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered


def contents(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def write_tar(file: Path, parts: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file


def test_a_restored_gallery_answers_alike_and_is_written_to(published: Published, in_memory: Path) -> None:
    info = write_snapshot(published.path, in_memory / "s.tar")
    assert (info.item_count, info.generation, info.model_fingerprint) == (40, 2, MODEL)
    shutil.rmtree(published.path)  # as on another machine
    assert restore_snapshot(in_memory / "s.tar", in_memory / "new" / "deep") == info
    oracle = published.oracle
    with LocalGalleryWriter(in_memory / "new" / "deep", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        items = numbered(range(38, 44), seed=3)
        writer.upsert(items)
        oracle.upsert(items)
    Published(path=in_memory / "new" / "deep", oracle=oracle).check().close()
    assert sorted(path.name for path in in_memory.iterdir()) == ["new", "s.tar"]  # nothing half-made stays


def test_what_was_written_since_the_generation_is_in_it(published: Published, in_memory: Path) -> None:
    with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        items = numbered(range(35, 45), seed=5)
        writer.upsert(items)
        published.oracle.upsert(items)
        writer.delete(["item-1"])
        published.oracle.delete(["item-1"])
        info = write_snapshot(published.path, in_memory / "s.tar")  # the rows lie in the write-ahead log
    restore_snapshot(in_memory / "s.tar", in_memory / "new")
    assert (info.item_count, info.last_sequence) == (44, 4)
    Published(path=in_memory / "new", oracle=published.oracle).check().close()


def test_snapshots_while_a_writer_writes_and_publishes_each_hold_one_moment(
    published: Published, in_memory: Path
) -> None:
    """Write n upserts items n and n + 1000, so that each moment holds both or none."""
    stop = threading.Event()

    def write() -> None:
        with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
            for number in range(100, 1000):
                writer.upsert(
                    [*numbered(range(number, number + 1), 1), *numbered(range(number + 1000, number + 1001), 2)]
                )
                if number % 5 == 0:
                    writer.publish()
                if stop.is_set():
                    return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        before = 0
        for attempt in range(5):
            info = write_snapshot(published.path, in_memory / f"{attempt}.tar")
            assert info.last_sequence >= before
            before = info.last_sequence
            restore_snapshot(in_memory / f"{attempt}.tar", in_memory / f"r{attempt}")
            gallery = LocalGallery.open(in_memory / f"r{attempt}")
            ids = {item.item_id for item in gallery.page(5000, "", FieldMask()).items}
            gallery.close()
            pairs = info.last_sequence - 2
            assert ids == {f"item-{n}" for n in (*range(40), *range(100, 100 + pairs), *range(1100, 1100 + pairs))}
    finally:
        stop.set()
        thread.join(timeout=60)
    assert before > 2


def test_each_flipped_byte_is_found_or_without_effect(published: Published, in_memory: Path) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    data, parts = (in_memory / "s.tar").read_bytes(), contents(in_memory / "s.tar")
    found = 0
    for position in np.random.default_rng(0).choice(len(data), 60, replace=False).tolist():
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        (in_memory / "f.tar").write_bytes(flipped)
        try:
            restore_snapshot(in_memory / "f.tar", in_memory / "r")
        except GalleryDamaged:
            found += 1
            assert not (in_memory / "r").exists()
        else:  # in the padding between parts
            for name in parts.keys() - {"SNAPSHOT.json", "gallery.sqlite"}:  # opening it may have added a log beside
                assert (in_memory / "r" / name).read_bytes() == parts[name]
            published.check().close()
            shutil.rmtree(in_memory / "r")
    assert found > 40


def test_each_cut_is_found(published: Published, in_memory: Path) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    data = (in_memory / "s.tar").read_bytes()
    end = data.rindex(b"ustar") + 512  # the last part's content, and zeros, follow
    for size in np.random.default_rng(1).choice(end, 30, replace=False).tolist():
        (in_memory / "c.tar").write_bytes(data[:size])
        with pytest.raises(GalleryDamaged, match=r"part|no snapshot"):
            restore_snapshot(in_memory / "c.tar", in_memory / "r")
        assert not (in_memory / "r").exists()


def test_the_damaged_part_is_named(published: Published, in_memory: Path) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    parts = contents(in_memory / "s.tar")
    for name in parts.keys() - {"SNAPSHOT.json"}:
        data = bytearray(parts[name])
        data[len(data) // 2] ^= 1
        write_tar(in_memory / "d.tar", {**parts, name: bytes(data)})
        with pytest.raises(GalleryDamaged, match=f"part {name} fails its checksum"):
            restore_snapshot(in_memory / "d.tar", in_memory / "r")
        write_tar(in_memory / "d.tar", {other: data for other, data in parts.items() if other != name})
        with pytest.raises(GalleryDamaged, match=f"part {name} is missing"):
            restore_snapshot(in_memory / "d.tar", in_memory / "r")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "generations/000002/../../../evil", "other"])
def test_parts_that_would_land_elsewhere_are_refused(published: Published, in_memory: Path, name: str) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    parts = contents(in_memory / "s.tar")
    with pytest.raises(GalleryDamaged, match="does not belong to it"):
        restore_snapshot(write_tar(in_memory / "d.tar", {**parts, name: b"x"}), in_memory / "r")
    assert not (in_memory / "evil").exists()


def test_a_newer_format_is_refused(published: Published, in_memory: Path) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    parts = contents(in_memory / "s.tar")
    document = json.loads(parts["SNAPSHOT.json"])
    parts["SNAPSHOT.json"] = json.dumps({**document, "item_count": 41}).encode()
    with pytest.raises(GalleryDamaged, match=r"SNAPSHOT\.json .* fails its checksum"):
        restore_snapshot(write_tar(in_memory / "d.tar", parts), in_memory / "r")


def test_a_damaged_gallery_makes_no_snapshot(published: Published, in_memory: Path) -> None:
    database = published.path / "gallery.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE items SET label = 'wrong' WHERE item_id = 'item-9'")
    connection.close()
    with pytest.raises(GalleryDamaged, match="item-9"):
        write_snapshot(published.path, in_memory / "s.tar")
    assert sorted(path.name for path in in_memory.iterdir()) == ["gallery"]


def test_without_a_sound_generation_restoring_builds_one(published: Published, in_memory: Path) -> None:
    vectors = published.path / "generations" / "000002" / "vectors.f32"
    vectors.write_bytes(np.zeros(vectors.stat().st_size, np.uint8).tobytes())
    info = write_snapshot(published.path, in_memory / "s.tar")
    assert info.generation == 0
    restore_snapshot(in_memory / "s.tar", in_memory / "r")
    gallery = Published(path=in_memory / "r", oracle=published.oracle).check()
    assert gallery.info().generation == 1
    gallery.close()


def test_nothing_is_overwritten(published: Published, in_memory: Path) -> None:
    write_snapshot(published.path, in_memory / "s.tar")
    with pytest.raises(AlreadyExists):
        write_snapshot(published.path, in_memory / "s.tar")
    with pytest.raises(GalleryExists):
        restore_snapshot(in_memory / "s.tar", published.path)
    (in_memory / "empty").mkdir()
    restore_snapshot(in_memory / "s.tar", in_memory / "empty")
    Published(path=in_memory / "empty", oracle=published.oracle).check().close()


def test_wrong_paths(published: Published, in_memory: Path) -> None:
    with pytest.raises(GalleryNotFound):
        write_snapshot(in_memory / "nowhere", in_memory / "s.tar")
    with pytest.raises(SmserveError, match="can't be written"):
        write_snapshot(published.path, in_memory / "nowhere" / "s.tar")
    with pytest.raises(InvalidInput, match="can't be read"):
        restore_snapshot(in_memory / "nothing.tar", in_memory / "r")
    (in_memory / "text.tar").write_text("no tar at all\n" * 100)
    with pytest.raises(GalleryDamaged, match="SNAPSHOT"):
        restore_snapshot(in_memory / "text.tar", in_memory / "r")

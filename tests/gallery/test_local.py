"""The gallery in a folder: the contract, and what is its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import (
    GalleryDamaged,
    GalleryExists,
    GalleryLocked,
    GalleryNotFound,
    GenerationMismatch,
    ModelMismatch,
    Unavailable,
)
from smserve.gallery import GalleryReader, GalleryWriter, LiveGallery, LocalGallery, LocalGalleryWriter, is_finished
from smserve.gallery.committed import read_committed
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered
from tests.gallery.contract import GalleryContract

OTHER = "b" * 64


def writer_of(path: Path, model: str = MODEL) -> LocalGalleryWriter:
    return LocalGalleryWriter(path, model_fingerprint=model, dimension=DIMENSION)


class TestLocalGallery(GalleryContract):
    def write(self, place: Path) -> GalleryWriter:
        return writer_of(place)

    def read(self, place: Path) -> GalleryReader:
        return LocalGallery.open(place)


class TestLiveGallery(GalleryContract):
    """Written to by a live gallery, read by another process's reader: what it acknowledges is there for others, too."""

    def write(self, place: Path) -> GalleryWriter:
        if not is_finished(place):
            LiveGallery.create(place, model_fingerprint=MODEL, dimension=DIMENSION)
        return LiveGallery.open(place)

    def read(self, place: Path) -> GalleryReader:
        return LocalGallery.open(place)


def test_info(published: Published) -> None:
    info = published.check().info()
    assert (info.name, info.item_count, info.dimension, info.metric) == ("gallery", 40, DIMENSION, "cosine")
    assert (info.model_fingerprint, info.generation, info.index) == (MODEL, 2, "Flat")
    assert LocalGallery.open(published.path, name="birds").info().name == "birds"


def test_another_model_is_refused_with_both_fingerprints(published: Published) -> None:
    LocalGallery.open(published.path, model_fingerprint=MODEL).close()
    with pytest.raises(ModelMismatch, match=rf"{MODEL}.*{OTHER}.*smserve gallery stage"):
        LocalGallery.open(published.path, model_fingerprint=OTHER)
    with pytest.raises(ModelMismatch, match=rf"{MODEL}.*{OTHER}"):
        writer_of(published.path, OTHER)


def test_what_is_no_gallery(tmp_path: Path) -> None:
    with pytest.raises(GalleryNotFound, match="smserve index build"):
        LocalGallery.open(tmp_path / "nothing")
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(GalleryNotFound):
        LocalGallery.open(tmp_path)
    with pytest.raises(GalleryExists, match=r"photo\.jpg"):
        writer_of(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="can't be written"):
        writer_of(tmp_path / "file")


def test_an_unpublished_gallery_says_how_far_it_is(tmp_path: Path) -> None:
    with writer_of(tmp_path / "g") as writer:
        writer.upsert(numbered(range(7), seed=0))
    with pytest.raises(GenerationMismatch, match=r"7 items.*again"):
        LocalGallery.open(tmp_path / "g")


def test_a_second_writer_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with writer_of(tmp_path / "g"), pytest.raises(GalleryLocked, match=f"process {os.getpid()}"):
        writer_of(tmp_path / "g")
    writer_of(tmp_path / "g").close()


def test_an_acknowledged_write_is_committed(tmp_path: Path) -> None:
    with writer_of(tmp_path / "g") as writer:
        for item in numbered(range(4), seed=0):
            sequence = writer.upsert([item]).sequence
            assert read_committed(tmp_path / "g").sequence == sequence


def test_keys_are_never_used_again(tmp_path: Path) -> None:
    items = numbered(range(3), seed=0)
    with writer_of(tmp_path / "g") as writer:
        for _ in range(3):
            writer.upsert(items)
        writer.delete(["item-2"])
        writer.upsert(items[2:])
        writer.publish()
    keys = np.fromfile(tmp_path / "g" / "generations" / "000001" / "keys.i64", "<i8")
    assert keys.tolist() == [7, 8, 10]


def test_the_previous_generation_stays_and_older_ones_go(published: Published) -> None:
    with writer_of(published.path) as writer:
        assert writer.publish() == 3
    assert sorted(path.name for path in (published.path / "generations").iterdir()) == ["000002", "000003"]
    assert published.check().info().generation == 3


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.gallery.conftest import numbered
from tests.gallery.test_local import writer_of
with writer_of(Path(sys.argv[1])) as writer:
    for number in range(100_000):
        print(writer.upsert(numbered(range(number, number + 1), seed=number)).sequence, flush=True)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "g")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout if line.strip()]
        process.wait(timeout=30)
    with writer_of(tmp_path / "g") as writer:
        stored = set(writer.sources())
        assert stored >= {f"item-{sequence - 1}" for sequence in acknowledged}
        assert writer.publish() == 1
    gallery = LocalGallery.open(tmp_path / "g")
    assert gallery.info().item_count == len(stored) >= 25
    gallery.close()


def test_records_behind_committed_have_lost_writes(published: Published) -> None:
    committed, records = published.path / "COMMITTED", published.path / "gallery.sqlite"
    before, records_before = committed.read_bytes(), records.read_bytes()
    with writer_of(published.path) as writer:
        writer.upsert(numbered(range(100, 101), seed=5))
        newer = committed.read_bytes()
    committed.write_bytes(before)
    LocalGallery.open(published.path).close()  # a crash between the commit and COMMITTED loses nothing
    committed.write_bytes(newer)
    for ending in ("-wal", "-shm"):
        records.with_name(f"gallery.sqlite{ending}").unlink(missing_ok=True)
    records.write_bytes(records_before)  # an older copy was brought back
    with pytest.raises(GalleryDamaged, match="lost acknowledged writes: its records end at 2, 3"):
        LocalGallery.open(published.path)
    with pytest.raises(GalleryDamaged, match="lost acknowledged writes"):
        writer_of(published.path)


def test_many_threads_search_at_once(published: Published) -> None:
    gallery = LocalGallery.open(published.path)
    queries = unit_vectors(64, DIMENSION, seed=3)

    def ask(query: np.ndarray) -> list[str]:
        (hits,) = gallery.search(query[np.newaxis], 5, FieldMask()).hits
        return [hit.item_id for hit in hits]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, queries, timeout=60))
    assert answers == [[item_id for item_id, _ in published.oracle.search(query, 5)] for query in queries]
    gallery.close()
    with pytest.raises(Unavailable, match="closed"):
        ask(queries[0])


def test_a_gallery_in_a_folder_that_can_not_be_written_to_is_read(published: Published) -> None:
    """Asked as another user than root, whom permissions don't stop."""
    script = """
import os, sys
from pathlib import Path
from smserve.gallery import LocalGallery
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(os.access(sys.argv[1], os.W_OK), LocalGallery.open(Path(sys.argv[1])).info().item_count)
"""
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, below folders that everybody may enter
        place = Path(folder, "gallery")
        shutil.copytree(published.path, place)
        Path(folder).chmod(0o755)
        place.chmod(0o555)
        command = [sys.executable, "-c", script, str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        place.chmod(0o755)
    assert done.stdout.strip() == "False 40", done.stderr

"""A gallery is copied to a Parquet file and from one; killed copies go on, and nothing is left out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smserve.errors import AlreadyExists, GalleryChanged, GalleryExists, InvalidInput, ModelMismatch
from smserve.gallery import GalleryReader, LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.interchange import PART_ROWS, ItemFile, export_gallery, import_items
from smserve.gallery.milvus import MilvusAddress, MilvusReader
from smserve.indexing import copy_gallery
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, numbered

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)
MANY = 10_000  # two whole parts, and one of 1,808

KILLED = """
import os, signal, sys
from pathlib import Path
from smserve.gallery.milvus import MilvusAddress
from smserve.indexing import copy_gallery

def place(text):
    return MilvusAddress.parse(text) if "://" in text else Path(text)

def kill(what, done, of):
    if done >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

copy_gallery(place(sys.argv[1]), place(sys.argv[2]), progress=kill)
"""


def killed_copy(source: Path, destination: Path | MilvusAddress, at: int) -> None:
    """Copy in a process of its own, which is killed (kill -9) once so many items have been read."""
    command = [sys.executable, "-c", KILLED, str(source), str(destination), str(at)]
    assert subprocess.run(command, timeout=120, check=False).returncode == -9


def content(reader: GalleryReader) -> list[tuple[object, ...]]:
    items = reader.page(MANY + 1, "", EVERYTHING).items
    reader.close()
    return [
        (
            *(each.item_id, each.label, dict(each.payload), each.source_uri, each.source_sha256, each.thumbnail),
            np.asarray(each.vector).tobytes(),
        )
        for each in items
    ]


def gallery(folder: Path, count: int) -> Path:
    with LocalGalleryWriter(folder, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(count), seed=1))
        writer.publish()
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return gallery(tmp_path / "small", 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return gallery(tmp_path / "many", MANY)


def test_by_every_kind_of_place_and_back(small: Path, tmp_path: Path) -> None:
    milvus = MilvusAddress(name="copied", file=tmp_path / "m.db")
    first, second, back = tmp_path / "first.parquet", tmp_path / "second.parquet", tmp_path / "back"
    for source, destination in ((small, first), (first, milvus), (milvus, second), (second, back)):
        report = copy_gallery(source, destination)
        assert (report.item_count, report.copied, report.compared, report.recall) == (40, 40, 40, 1.0)
        assert report.model_fingerprint == MODEL
    assert first.read_bytes() == second.read_bytes()
    wanted = content(LocalGallery.open(small))
    assert content(LocalGallery.open(back)) == content(MilvusReader.open(milvus)) == wanted
    assert sorted(path.name for path in tmp_path.glob("*parquet*")) == ["first.parquet", "second.parquet"]


def test_a_copied_file_is_an_exported_file(small: Path, tmp_path: Path) -> None:
    copied, exported = tmp_path / "copied.parquet", tmp_path / "exported.parquet"
    copy_gallery(small, copied)
    export_gallery(small, exported, thumbnails=True)
    assert pq.read_table(copied).equals(pq.read_table(exported))
    with ItemFile(copied) as file:
        assert import_items(file, small).unchanged == 40


def test_a_killed_copy_to_a_file_goes_on(folder: Path, tmp_path: Path) -> None:
    file, whole = tmp_path / "items.parquet", tmp_path / "whole.parquet"
    killed_copy(folder, file, at=9000)
    parts = tmp_path / ".items.parquet.parts"
    assert sorted(path.name for path in parts.glob("*.parquet")) == ["000000.parquet", "000001.parquet"]
    assert not file.exists()
    report = copy_gallery(folder, file)
    assert (report.item_count, report.copied, report.recall) == (MANY, MANY - 2 * PART_ROWS, 1.0)
    copy_gallery(folder, whole)
    assert file.read_bytes() == whole.read_bytes()
    assert not parts.exists()


def test_a_killed_copy_from_a_file_goes_on(folder: Path, tmp_path: Path) -> None:
    file, back = tmp_path / "items.parquet", tmp_path / "back"
    copy_gallery(folder, file)
    killed_copy(file, back, at=5000)
    report = copy_gallery(file, back)
    assert (report.item_count, report.copied, report.recall) == (MANY, MANY - 20 * 256, 1.0)
    assert content(LocalGallery.open(back)) == content(LocalGallery.open(folder))


def test_a_killed_copy_to_milvus_goes_on(small: Path, tmp_path: Path) -> None:
    with LocalGalleryWriter(small, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(40, 1000), seed=2))
        writer.publish()
    milvus = MilvusAddress(name="killed", file=tmp_path / "m.db")
    killed_copy(small, milvus, at=500)
    report = copy_gallery(small, milvus)
    assert (report.item_count, report.copied, report.recall) == (1000, 1000 - 2 * 256, 1.0)
    assert content(MilvusReader.open(milvus)) == content(LocalGallery.open(small))


def test_what_was_written_between_a_kill_and_the_next_run_arrives(folder: Path, tmp_path: Path) -> None:
    """In the first part an item goes, in the second one is written again: with another vector, and nothing else new."""
    file, back = tmp_path / "items.parquet", tmp_path / "back"
    killed_copy(folder, file, at=9000)
    killed_copy(folder, back, at=9000)
    with LocalGalleryWriter(folder, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.delete(["item-7"])
        writer.upsert(numbered(range(5000, 5001), seed=5))
    assert copy_gallery(folder, file).copied == MANY - 1
    assert copy_gallery(folder, back).copied == MANY - 36 * 256 + 1
    copy_gallery(file, tmp_path / "from-file")
    wanted = content(LocalGallery.open(folder))
    assert content(LocalGallery.open(tmp_path / "from-file")) == wanted
    assert sorted(content(LocalGallery.open(back)), key=str) == sorted(wanted, key=str)


def test_nothing_is_overwritten_and_nothing_wrong_comes_in(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "items.parquet"
    copy_gallery(small, file)
    with pytest.raises(AlreadyExists, match=r"items\.parquet is there already"):
        copy_gallery(small, file)
    with pytest.raises(GalleryExists, match="finished gallery"):
        copy_gallery(file, small)
    with pytest.raises(InvalidInput, match="can't be read as Parquet"):
        copy_gallery(tmp_path / "nothing.parquet", tmp_path / "new")
    with pytest.raises(ModelMismatch, match=f"of model {MODEL}, the model given is {'b' * 64}"):
        copy_gallery(file, tmp_path / "new", model_fingerprint="b" * 64)
    with pytest.raises(ModelMismatch, match=f"{MODEL}, the model given is {'b' * 64}"):
        copy_gallery(small, tmp_path / "new.parquet", model_fingerprint="b" * 64)
    assert not (tmp_path / "new").exists()


def test_another_programs_file_needs_the_model(tmp_path: Path) -> None:
    file, milvus = tmp_path / "f.parquet", MilvusAddress(name="foreign", file=tmp_path / "m.db")
    vectors = unit_vectors(3, DIMENSION, seed=1)
    pq.write_table(pa.table({"item_id": ["a", "b", "c"], "vector": [v.tolist() for v in vectors]}), file)
    with pytest.raises(ModelMismatch, match="does not say which model"):
        copy_gallery(file, milvus)
    report = copy_gallery(file, milvus, model_fingerprint=MODEL)
    assert (report.item_count, report.recall, report.model_fingerprint) == (3, 1.0, MODEL)


def test_an_empty_gallery(tmp_path: Path) -> None:
    copy_gallery(gallery(tmp_path / "empty", 0), tmp_path / "e.parquet")
    report = copy_gallery(tmp_path / "e.parquet", tmp_path / "back")
    assert (report.item_count, report.compared, report.recall) == (0, 0, 1.0)


def test_a_wrong_item_in_a_file_is_noticed(small: Path, tmp_path: Path) -> None:
    """Of 40 items all are compared: whatever is changed at the source while it is copied is told."""

    def write(what: str, done: int, of: int) -> None:
        if (what, done) == ("copying", 40):
            with LocalGalleryWriter(small, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
                writer.upsert([NewItem(item_id="item-3", vector=np.eye(DIMENSION, dtype=np.float32)[0])])

    with pytest.raises(GalleryChanged, match=r"f\.parquet: item 'item-3' is not what the source holds"):
        copy_gallery(small, tmp_path / "f.parquet", progress=write)

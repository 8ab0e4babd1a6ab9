"""From a gallery to Parquet and back: nothing is lost, nothing wrong comes in."""

import builtins
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smserve.errors import AlreadyExists, GalleryDamaged, InvalidInput, ModelMismatch, SmserveError
from smserve.gallery import LocalGallery, LocalGalleryWriter
from smserve.gallery.interchange import ImportReport, ItemFile, export_gallery, import_items
from smserve.types import FieldMask, Item
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL, Published, numbered

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


def read_in(file: Path, gallery: Path, **settings: Any) -> ImportReport:
    with ItemFile(file) as items:
        return import_items(items, gallery, **settings)


def items_of(gallery: Path) -> list[tuple[object, ...]]:
    reader = LocalGallery.open(gallery)
    items = reader.page(1000, "", EVERYTHING).items
    reader.close()
    return [_plain(item) for item in items]


def _plain(item: Item) -> tuple[object, ...]:
    assert item.vector is not None
    return item.item_id, item.label, item.payload, item.source_uri, item.vector.tobytes(), item.thumbnail


def foreign(file: Path, **columns: Any) -> Path:
    """Write a file as another program would."""
    pq.write_table(pa.table(columns), file)
    return file


def test_there_and_back(published: Published, in_memory: Path) -> None:
    file = in_memory / "items.parquet"
    seen: list[int] = []
    report = export_gallery(published.path, file, thumbnails=True, progress=seen.append)
    assert (report.item_count, report.dimension, report.model_fingerprint, seen) == (40, DIMENSION, MODEL, [40])
    outcome = read_in(file, in_memory / "new")
    assert (outcome.item_count, outcome.added, outcome.replaced, outcome.generation) == (40, 40, 0, 1)
    assert items_of(in_memory / "new") == items_of(published.path)
    Published(path=in_memory / "new", oracle=published.oracle).check().close()


def test_any_parquet_reader_finds_what_is_documented(published: Published, in_memory: Path) -> None:
    export_gallery(published.path, in_memory / "items.parquet")
    table = pq.read_table(in_memory / "items.parquet")
    assert table.schema.field("vector").type == pa.list_(pa.float32(), DIMENSION)
    assert table.column_names == ["item_id", "label", "payload", "source_uri", "source_sha256", "vector"]
    header = json.loads(table.schema.metadata[b"smserve.gallery"])
    assert (header["model_fingerprint"], header["item_count"], header["dimension"]) == (MODEL, 40, DIMENSION)
    vectors = np.array(table.column("vector").to_pylist(), np.float32)
    wanted = np.stack([item.vector for start in (0, 20) for item in numbered(range(start, start + 20), seed=start)])
    np.testing.assert_array_equal(vectors, wanted)


def test_again_changes_nothing_and_what_differs_is_replaced(published: Published, in_memory: Path) -> None:
    export_gallery(published.path, in_memory / "items.parquet")
    again = read_in(in_memory / "items.parquet", published.path)
    assert (again.added, again.replaced, again.unchanged, again.generation) == (0, 0, 40, 2)
    with LocalGalleryWriter(published.path, model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(numbered(range(5), seed=7))
        writer.delete(["item-30"])
    back = read_in(in_memory / "items.parquet", published.path)
    assert (back.added, back.replaced, back.unchanged, back.generation) == (1, 5, 34, 3)
    published.check().close()


def test_an_interrupted_import_goes_on(published: Published, in_memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A progress callback that raises, as Ctrl-C would, after the first of several batches."""
    export_gallery(published.path, in_memory / "items.parquet")
    monkeypatch.setattr("smserve.gallery.interchange.importing._ROWS", 16)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_in(in_memory / "items.parquet", in_memory / "new", progress=stop)
    outcome = read_in(in_memory / "items.parquet", in_memory / "new")
    assert (outcome.added, outcome.unchanged, outcome.generation) == (24, 16, 1)
    Published(path=in_memory / "new", oracle=published.oracle).check().close()


def test_another_programs_file_needs_the_model(in_memory: Path) -> None:
    vectors = unit_vectors(3, DIMENSION, seed=1)
    file = foreign(in_memory / "f.parquet", item_id=["a", "b", "c"], vector=[v.tolist() for v in vectors])  # float64
    with pytest.raises(ModelMismatch, match="does not say which model"):
        read_in(file, in_memory / "g")
    assert read_in(file, in_memory / "g", model_fingerprint=MODEL).added == 3
    assert [item[0] for item in items_of(in_memory / "g")] == ["a", "b", "c"]


def test_another_model_is_refused(published: Published, in_memory: Path) -> None:
    export_gallery(published.path, in_memory / "items.parquet")
    with pytest.raises(ModelMismatch, match=f"are of model {MODEL}, the model given is {'b' * 64}"):
        read_in(in_memory / "items.parquet", published.path, model_fingerprint="b" * 64)
    with LocalGalleryWriter(in_memory / "other", model_fingerprint="b" * 64, dimension=DIMENSION) as writer:
        writer.publish()
    with pytest.raises(ModelMismatch, match=f"{'b' * 64}.*{MODEL}"):
        read_in(in_memory / "items.parquet", in_memory / "other")


def _vectors(**changes: list[float] | None) -> list[list[float] | None]:
    """Three vectors, some of them otherwise."""
    rows: list[list[float] | None] = [v.tolist() for v in unit_vectors(3, DIMENSION, seed=1)]
    for name, value in changes.items():
        rows[int(name[1:])] = value
    return rows


IDS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item_id": IDS}, "no column 'vector', but item_id"),
        ({"item_id": ["a", "b", "a"], "vector": _vectors()}, r"row 3: item 'a' stands in row 1 too"),
        ({"item_id": ["a", "", "c"], "vector": _vectors()}, r"row 2: its item_id is empty"),
        ({"item_id": ["a", None, "c"], "vector": _vectors()}, r"row 2: its item_id is empty"),
        ({"item_id": [1, 2, 3], "vector": _vectors()}, r"row 1: item_id is 1; wanted text"),
        ({"item_id": IDS, "vector": _vectors(_1=[0.5] * DIMENSION)}, r"row 2: its vector has norm 1\.225; wanted 1"),
        ({"item_id": IDS, "vector": _vectors(_2=[float("nan")] * DIMENSION)}, r"row 3: its vector has norm nan"),
        ({"item_id": IDS, "vector": _vectors(_2=[1.0, 0.0])}, r"row 3: the vector has 2 numbers, wanted D=6"),
        ({"item_id": IDS, "vector": _vectors(_1=None)}, r"row 2: the vector has 0 numbers, wanted D=6"),
        ({"item_id": IDS, "vector": [1, 2, 3]}, r"column vector is of type int64; wanted lists of float32"),
        ({"item_id": IDS, "vector": _vectors(), "payload": ["{}", "[1]", ""]}, r"row 2: its payload is '\[1\]'"),
        ({"item_id": IDS, "vector": _vectors(), "payload": ["{}", "", "{"]}, r"row 3: its payload is no JSON"),
        ({"item_id": [], "vector": pa.array([], pa.list_(pa.float32()))}, r"has no rows"),
    ],
)
def test_a_wrong_file_writes_nothing(in_memory: Path, columns: dict[str, Any], message: str) -> None:
    file = foreign(in_memory / "f.parquet", **columns)
    with pytest.raises(InvalidInput, match=message):
        read_in(file, in_memory / "g", model_fingerprint=MODEL)
    assert not (in_memory / "g").exists()


@pytest.mark.parametrize("kept", [0, 3, 100, 2000])
def test_a_cut_file_is_refused(published: Published, in_memory: Path, kept: int) -> None:
    export_gallery(published.path, in_memory / "items.parquet")
    (in_memory / "cut.parquet").write_bytes((in_memory / "items.parquet").read_bytes()[:kept])
    with pytest.raises(InvalidInput, match="can't be read as Parquet"):
        read_in(in_memory / "cut.parquet", in_memory / "g")


def test_a_flip_in_a_page_is_found(published: Published, in_memory: Path) -> None:
    export_gallery(published.path, in_memory / "items.parquet")
    data = bytearray((in_memory / "items.parquet").read_bytes())
    data[data.index(b"PAR1", 0) + 200] ^= 1  # in the pages of the first column
    (in_memory / "items.parquet").write_bytes(data)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_in(in_memory / "items.parquet", in_memory / "g")


def test_nothing_is_overwritten_and_nothing_half_written_stays(published: Published, in_memory: Path) -> None:
    file = in_memory / "items.parquet"
    file.write_text("mine")
    with pytest.raises(AlreadyExists):
        export_gallery(published.path, file)
    assert file.read_text() == "mine"
    with pytest.raises(SmserveError, match="can't be written"):
        export_gallery(published.path, in_memory / "nowhere" / "items.parquet")


def test_a_damaged_row_is_not_exported(published: Published, in_memory: Path) -> None:
    database = published.path / "gallery.sqlite"
    data = database.read_bytes()
    database.write_bytes(data.replace(b"/pictures/7.jpg", b"/pictures/8.jpg"))
    with pytest.raises(GalleryDamaged, match="item-7"):
        export_gallery(published.path, in_memory / "items.parquet")
    assert list(in_memory.glob("*parquet*")) == []


def test_without_pyarrow_one_is_told_what_to_install(
    published: Published, in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import system is patched: uninstalling a package from a test is worse."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> ModuleType:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SmserveError, match=r"pip install 'smserve\[parquet\]'"):
        export_gallery(published.path, in_memory / "items.parquet")
    with pytest.raises(SmserveError, match=r"pip install 'smserve\[parquet\]'"):
        ItemFile(in_memory / "items.parquet")

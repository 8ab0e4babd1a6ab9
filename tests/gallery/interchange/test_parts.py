"""Parts of a file in the making: kept where they hold what is handed in, and made anew where they don't."""

from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from smserve.errors import AlreadyExists, GalleryLocked, SmserveError
from smserve.gallery.interchange import Header, ItemFile, ItemFileParts
from smserve.gallery.row import Row, row_of
from tests.gallery.conftest import DIMENSION, MODEL, numbered

HEADER = Header(model_fingerprint=MODEL, dimension=DIMENSION, metric="cosine", item_count=20, last_sequence=0)


@pytest.fixture
def file(in_memory: Path) -> Path:
    return in_memory / "items.parquet"


def parts_of(file: Path) -> ItemFileParts:
    return ItemFileParts(file, dimension=DIMENSION, thumbnails=False)


def rows(start: int, seed: int = 1) -> list[Row]:
    return [row_of(item, 0, 0) for item in numbered(range(start, start + 10), seed=seed)]


@pytest.fixture
def begun(file: Path) -> Path:
    """Two parts, left behind, in their folder."""
    with closing(parts_of(file)) as parts:
        assert [parts.add(rows(start), []) for start in (0, 10)] == [10, 10]
    return file.with_name(".items.parquet.parts")


def test_the_same_rows_are_not_written_again(file: Path, begun: Path) -> None:
    with closing(parts_of(file)) as parts:
        assert [parts.add(rows(start), []) for start in (0, 10)] == [0, 0]
        parts.finish(HEADER)
    assert pq.read_table(file)["item_id"].to_pylist() == [f"item-{number}" for number in range(20)]
    assert pq.ParquetFile(file).metadata.num_row_groups == 2
    assert not begun.exists()
    with ItemFile(file) as written:
        assert written.header == HEADER


def test_other_rows_are_and_parts_beyond_the_last_are_dropped(file: Path, begun: Path) -> None:
    with closing(parts_of(file)) as parts:
        assert parts.add(rows(0, seed=2), []) == 10
        parts.finish(HEADER)
    table = pq.read_table(file)
    assert table["item_id"].to_pylist() == [f"item-{number}" for number in range(10)]
    assert table["vector"].to_pylist()[3] == rows(0, seed=2)[3].embedding().tolist()


@pytest.mark.parametrize("kept", [0, 3, 100, 1000])
def test_a_part_that_was_cut_is_made_anew(file: Path, begun: Path, kept: int) -> None:
    part = begun / "000001.parquet"
    part.write_bytes(part.read_bytes()[:kept])
    with closing(parts_of(file)) as parts:
        assert [parts.add(rows(start), []) for start in (0, 10)] == [0, 10]
        parts.finish(HEADER)
    assert pq.read_table(file).num_rows == 20


def test_every_flipped_byte_of_a_part_is_found_or_harmless(file: Path, begun: Path) -> None:
    part = begun / "000000.parquet"
    sound, table = part.read_bytes(), pq.read_table(part)
    outcomes = set()
    for place in range(0, len(sound), 37):
        part.write_bytes(sound[:place] + bytes([sound[place] ^ 4]) + sound[place + 1 :])
        with closing(parts_of(file)) as parts:
            written = parts.add(rows(0), [])
        assert part.read_bytes() == sound if written else pq.read_table(part).to_pylist() == table.to_pylist()
        outcomes.add(written)
    assert 10 in outcomes


def test_one_process_at_a_time(file: Path, begun: Path) -> None:
    with closing(parts_of(file)) as first, closing(parts_of(file)) as second:
        first.add(rows(0), [])
        with pytest.raises(GalleryLocked, match=r"items\.parquet is being made already.*by process \d+"):
            second.add(rows(0), [])


def test_a_file_that_came_meanwhile_stays(file: Path, begun: Path) -> None:
    with closing(parts_of(file)) as parts:
        parts.add(rows(0), [])
        file.write_text("mine")
        with pytest.raises(AlreadyExists):
            parts.finish(HEADER)
    with pytest.raises(AlreadyExists):
        parts_of(file)
    assert file.read_text() == "mine"


def test_a_part_that_is_damaged_before_the_end_is_told(file: Path, begun: Path) -> None:
    with closing(parts_of(file)) as parts:
        parts.add(rows(0), [])
        (begun / "000000.parquet").write_bytes(b"PAR1")
        with pytest.raises(SmserveError, match="run the same again"):
            parts.finish(HEADER)
    assert not file.exists()

"""One picture at a time, and many in order."""

import os
import threading
from pathlib import Path

import pytest

from smserve.config import ImageLimits
from smserve.indexing.reading import PictureReader, Prepared, in_order
from smserve.indexing.report import Unreadable
from smserve.indexing.sources import SourceItem
from tests.support.pictures import draw, encode
from tests.support.tiny_model import RULE


def read(path: Path, max_bytes: int = 100_000) -> object:
    reader = PictureReader(RULE, ImageLimits(max_bytes=max_bytes), {}, thumbnails=True)
    return reader(SourceItem(item_id=path.name, path=path))


def test_a_picture_is_prepared(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encode(draw("red")))
    outcome = read(tmp_path / "1.png")
    assert isinstance(outcome, Prepared)
    assert outcome.pixels.shape == (16, 16, 3)


def test_what_is_no_picture_has_its_reason(tmp_path: Path) -> None:
    data = encode(draw("red"))
    foreign = tmp_path / os.fsdecode(b"caf\xe9.png")  # a name in latin-1
    foreign.write_bytes(data)
    os.mkfifo(tmp_path / "pipe.png")  # reading it would never end
    (tmp_path / "large.png").write_bytes(data + bytes(100_000))
    (tmp_path / "folder.png").mkdir()
    wanted = {
        foreign: "not UTF-8",
        tmp_path / "pipe.png": "no regular file",
        tmp_path / "large.png": "limit of 100,000",
        tmp_path / "folder.png": "no regular file",
        tmp_path / "gone.png": "No such file",
        tmp_path / "zero\0byte.png": "null",
    }
    for path, reason in wanted.items():
        outcome = read(path)
        assert isinstance(outcome, Unreadable), path
        assert reason in outcome.reason
        (outcome.item_id + outcome.path).encode()  # can be written to the report


def test_outcomes_keep_their_order_and_few_are_held() -> None:
    begun = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number * 2

    outcomes = in_order(work, range(100), 3)
    assert next(outcomes) == 0
    assert len(begun) <= 12  # four a worker
    assert list(outcomes) == [number * 2 for number in range(1, 100)]


def test_an_error_of_one_is_raised() -> None:
    def work(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(in_order(work, [1, 0, 1], 2))

from pathlib import Path

import pytest

from training.durable import write_whole


def test_a_file_is_written_or_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_whole(path, b"first, longer")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_kill_left_behind_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".file.partial").write_bytes(b"cut off by a kill, and longer")
    write_whole(tmp_path / "file", b"whole")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"whole")]


def test_what_cant_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    (tmp_path / ".file.partial").mkdir()  # in the way
    with pytest.raises(OSError, match="directory"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"

from pathlib import Path

import pytest

from smserve.errors import DataLoss
from training.datasets.text_list import read_list


def read(text: str, tmp_path: Path, header_lines: int = 0) -> list[tuple[object, ...]]:
    path = tmp_path / "list.txt"
    path.write_text(text)
    return list(read_list(path, {"number": int, "path": str}, header_lines=header_lines))


def test_values_are_converted_and_the_last_column_takes_the_rest(tmp_path: Path) -> None:
    assert read("1  a b.jpg \r\n\n 2 c.jpg", tmp_path) == [(1, "a b.jpg"), (2, "c.jpg")]
    assert read("2\nnumber   path\n7 x", tmp_path, header_lines=2) == [(7, "x")]


@pytest.mark.parametrize(
    ("text", "header_lines", "says"),
    [
        ("1 a\nx b\n", 0, "list.txt, line 2: 'x b', wanted number path; unpack the archive again"),
        ("1\n", 0, "list.txt, line 1: '1', wanted number path"),
        ("1 a\n", 1, "list.txt, line 1: '1 a', wanted number path"),
        ("", 2, "list.txt, line 2: '', wanted number path"),
    ],
)
def test_wrong_lines_are_named(text: str, header_lines: int, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match=says):
        read(text, tmp_path, header_lines)


def test_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(bytes(range(256)))
    with pytest.raises(DataLoss, match="line 1: "):
        list(read_list(tmp_path / "list.txt", {"number": int}))
    with pytest.raises(DataLoss, match="can't be read"):
        list(read_list(tmp_path / "none.txt", {"number": int}))

"""Which pictures, under which names."""

import subprocess
import sys
from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from smserve.indexing import items_from_csv, pictures_in


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_pictures_are_found_and_named_by_their_path(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b/10.jpg",
        "b/2.JPG",
        "a/x/1.png",
        "top.webp",
        "b/notes.txt",
        "b/.hidden.jpg",
        "b/._3.jpg",
        ".git/1.png",
    )
    found = [(item.item_id, item.label) for item in pictures_in(tmp_path)]
    assert found == [("a/x/1.png", "x"), ("b/2.JPG", "b"), ("b/10.jpg", "b"), ("top.webp", "")]


def test_a_link_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert [item.item_id for item in pictures_in(tmp_path)] == ["a/1.png"]


def test_no_folder_and_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no folder"):
        pictures_in(tmp_path / "nothing")
    touch(tmp_path, "notes.txt")
    with pytest.raises(InvalidInput, match="no JPEG, PNG or WebP"):
        pictures_in(tmp_path)


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "items.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_columns_of_a_csv(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "path,label,id,price,shop\na/1.jpg,kiwi,k1,3,North\n\na/2.jpg,,,,\n")
    first, second = items_from_csv(file)
    assert (first.item_id, first.label, first.path) == ("k1", "kiwi", tmp_path / "a/1.jpg")
    assert dict(first.payload) == {"price": "3", "shop": "North"}
    assert (second.item_id, second.label) == ("a/2.jpg", "")


def test_a_mark_at_the_beginning_and_an_absolute_path(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "path\n/pictures/1.jpg\n", "utf-8-sig")
    assert items_from_csv(file)[0].path == Path("/pictures/1.jpg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"columns \(none\); wanted a header with `path`"),
        ("picture,label\n1.jpg,a\n", r"columns picture, label"),
        ("path,label\n", "lists no picture"),
        ("path,label\n1.jpg,a\n,b\n", "line 3: the path is empty"),
        ("path,label\n1.jpg,a\n2.jpg\n", "line 3: 1 values, wanted 2"),
        ("path,label\n1.jpg,a,b\n", "line 2: 3 values, wanted 2"),
        ("path,id\n1.jpg,x\n2.jpg,x\n", "line 3: id 'x' stands in line 2 too"),
        ("path,label,label\n1.jpg,a,b\n", "column 'label' twice"),
        ('path,label\n1.jpg,a\n2.jpg,"b\n3.jpg,c\n', "line 4: this is no CSV .*mend the quotes"),
        ('path,label\n"1.jpg"x,a\n', "line 2: this is no CSV"),
        ("path;label\n1.jpg;a\n", r"columns path;label; wanted"),
    ],
)
def test_a_bad_csv_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        items_from_csv(csv_file(tmp_path, text))


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be read: No such file"):
        items_from_csv(tmp_path / "nothing.csv")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        items_from_csv(csv_file(tmp_path, "path\nä.jpg\n", "latin-1"))


def test_a_quoted_value_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    (item,) = items_from_csv(csv_file(tmp_path, 'path,label,note\n1.jpg,"a, b","5"" pipe\nsecond line"\n'))
    assert (item.label, dict(item.payload)) == ("a, b", {"note": '5" pipe\nsecond line'})


def test_a_folder_that_can_not_be_read_is_an_error_and_not_skipped(tmp_path: Path) -> None:
    """Asked without root's right to read everything; `prctl` takes it from what the process runs next."""
    touch(tmp_path, "a/1.png", "b/2.png")
    look = (
        "import sys; from pathlib import Path; from smserve.indexing import pictures_in; pictures_in(Path(sys.argv[1]))"
    )
    drop = (
        "import ctypes, os, sys; [ctypes.CDLL(None).prctl(24, right, 0, 0, 0) for right in (1, 2)]; "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    (tmp_path / "b").chmod(0)
    command = [sys.executable, "-c", drop, "-c", look, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (tmp_path / "b").chmod(0o755)
    assert f"InvalidInput: folder {tmp_path / 'b'} can't be read: Permission denied" in done.stderr

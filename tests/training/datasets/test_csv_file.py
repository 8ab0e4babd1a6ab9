import csv
from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from tests.support.pictures import COLORS
from training.datasets import Dataset, load_dataset, write_csv


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def rows(pictures: Path, *splits: str) -> list[str]:
    """One line a picture; the n-th colour gets the n-th split."""
    found = []
    for position, color in enumerate(COLORS):
        for number, suffix in enumerate((".png", ".jpg")):
            split = f",{splits[position]}" if splits else ""
            found.append(f"{pictures / color / f'{number}{suffix}'},{color}{split}")
    return found


def load(path: Path) -> Dataset:
    return load_dataset(f"csv:{path}", path.parent)


def test_without_a_split_column_classes_are_split(pictures: Path, tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "all.csv", "path,label", *rows(pictures)))
    assert (len(dataset.train.class_names), len(dataset.test.class_names)) == (3, 3)


def test_with_a_split_column_it_is_kept(pictures: Path, tmp_path: Path) -> None:
    splits = ("train", "test", "train", "test", "validation", "test")
    dataset = load(write(tmp_path / "all.csv", "path,label,split", *rows(pictures, *splits)))
    assert dataset.train.class_names == ("blue", "red")
    assert dataset.validation.class_names == ("purple",)
    assert dataset.test.class_names == ("green", "orange", "yellow")
    assert len(dataset.test) == 6


def test_a_class_in_two_splits_is_refused_unless_asked_for(pictures: Path, tmp_path: Path) -> None:
    lines = rows(pictures, "train", "train", "test", "test", "test", "test")
    path = write(tmp_path / "all.csv", "path,label,split", *lines, f"{pictures}/red/2.png,red,test")
    with pytest.raises(InvalidInput, match=r"share 1 classes \(red\)"):
        load(path)
    assert "red" in load_dataset(f"csv:{path}", tmp_path, allow_shared_classes=True).test.class_names


def test_written_csv_reads_back(pictures: Path, tmp_path: Path) -> None:
    dataset = load_dataset(f"folder:{pictures}", tmp_path)
    write_csv(dataset.test, tmp_path / "out" / "test.csv")
    with (tmp_path / "out" / "test.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["id"] for row in written] == list(dataset.test.ids)
    assert [row["label"] for row in written] == [dataset.test.class_names[label] for label in dataset.test.labels]
    assert all(Path(row["path"]).is_absolute() and Path(row["path"]).is_file() for row in written)
    write_csv(dataset.train, tmp_path / "train.csv")
    with pytest.raises(InvalidInput, match="3 classes of two or more pictures, wanted at least 4"):
        load(tmp_path / "train.csv")


def test_relative_paths_a_byte_order_mark_and_further_columns(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "all").symlink_to(pictures)
    lines = [line.replace(str(pictures), "all") + ",7" for line in rows(pictures)]
    path = write(tmp_path / "all.csv", "\ufeffpath,label,price", *lines)
    assert load(path).train.ids[0].startswith("all/")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["file,label", "a.png,red"], r"line 1: header is 'file,label', wanted one column 'path'"),
        (["path,label,label", "a.png,red,red"], r"line 1: header .* wanted one column 'label'"),
        ([], "line 1: header is '', wanted one column 'path'"),
        (["path,label", "a.png"], "line 2: row has not the header's 2 fields"),
        (["path,label", "a.png,red,blue"], "line 2: row has not the header's 2 fields"),
        (["path,label", "a.png, "], "line 2: label is ' ', wanted text"),
        (["path,label", ",red"], "line 2: path is '', wanted text"),
        (["path,label", 'a.png,"red'], "line 2: unexpected end of data"),
        (["path,label,split", "a.png,red,val"], "line 2: split is 'val', wanted train or validation or test"),
        (["path,label", "a.png,red", "./a.png,blue"], "line 3: ./a.png is listed in line 2 already"),
        (["path,label,id", "a.png,red,1", "b.png,red,1"], "line 3: id '1' is in line 2 already"),
        (["path,label", "a.png,red", "none.png,red"], "lists 1 files that don't exist .line 3: none.png"),
        (["path,label,split", "a.png,red,train", "b.png,red,train"], "train has 1 classes, wanted at least 2"),
    ],
)
def test_a_wrong_file_is_named_with_line_and_value(lines: list[str], says: str, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_text(name)
    path = write(tmp_path / "all.csv", *lines)
    with pytest.raises(InvalidInput, match=says) as caught:
        load(path)
    assert str(path) in caught.value.message


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be read"):
        load(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("path,label\na,Stra\xdfe".encode("latin-1"))
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        load(tmp_path / "latin.csv")

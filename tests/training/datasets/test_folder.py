from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from tests.support.pictures import COLORS
from training.datasets import load_dataset


def test_a_folder_a_class(pictures: Path, tmp_path: Path) -> None:
    dataset = load_dataset(f"folder:{pictures}", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (12, 0, 12)
    assert {*dataset.train.class_names, *dataset.test.class_names} == set(COLORS)
    for path, label, name in zip(dataset.test.paths, dataset.test.labels, dataset.test.ids, strict=True):
        assert path.parent.name == dataset.test.class_names[label]
        assert name == f"{path.parent.name}/{path.name}"


def test_odd_and_hidden_files_are_passed_by(tmp_path: Path) -> None:
    for label in "abcd":
        (tmp_path / label).mkdir()
        for number in range(2):
            (tmp_path / label / f"{number}.PNG").write_text(label + str(number))
        (tmp_path / label / ".hidden.png").write_text("x")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "a" / "clip.gif").write_text("x")
    dataset = load_dataset(f"folder:{tmp_path}", tmp_path)
    assert len(dataset.train) + len(dataset.test) == 8
    assert dataset.notes == ("left out 2 files that are no JPEG, PNG or WebP: a/clip.gif, readme.txt",)


def test_what_is_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        load_dataset(f"folder:{tmp_path / 'none'}", tmp_path)
    with pytest.raises(InvalidInput, match="has no pictures"):
        load_dataset(f"folder:{tmp_path}", tmp_path)
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="a folder inside the class folder 'train': train/cat"):
        load_dataset(f"folder:{tmp_path}", tmp_path)

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput
from smserve.images import ResizeRule
from training.datasets import Dataset, PictureSet
from training.datasets.sums import data_sums

RULE = ResizeRule(size=8, height=8, width=8)


def split(
    folder: Path, name: str, contents: dict[str, bytes], labels: list[int], classes: tuple[str, ...]
) -> PictureSet:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return PictureSet(
        name=name, paths=tuple(folder / each for each in contents), labels=np.array(labels), class_names=classes
    )


def dataset(folder: Path, contents: dict[str, bytes], classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    nothing = split(folder, "none", {}, [], ())
    return Dataset(
        name="folder:some", train=split(folder, "train", contents, [0, 1], classes), validation=nothing, test=nothing
    )


def test_the_sum_is_of_contents_and_classes(tmp_path: Path) -> None:
    found = data_sums(dataset(tmp_path, {"a.png": b"1", "b.png": b"2"}), RULE, tmp_path / "cache")
    contents = sha256(sha256(b"1").digest() + sha256(b"2").digest()).hexdigest()
    expected = sha256(json.dumps([contents, ["cat", "dog"]]).encode()).hexdigest()
    assert found == {"train": {"classes": 2, "pictures": 2, "sha256": expected}}


def test_the_same_data_elsewhere_has_the_same_sum_and_other_data_another(tmp_path: Path) -> None:
    def summed(place: str, first: bytes, classes: tuple[str, ...] = ("cat", "dog")) -> str:
        sums = data_sums(dataset(tmp_path / place, {"a.png": first, "b.png": b"2"}, classes), RULE, tmp_path / "cache")
        return str(sums["train"]["sha256"])

    here = summed("here", b"1")
    assert summed("there", b"1") == here
    assert summed("changed", b"3") != here
    assert summed("here", b"1", ("cat", "cow")) != here


def test_pictures_are_read_once(tmp_path: Path) -> None:
    told: list[int] = []
    data = dataset(tmp_path, {"a.png": b"1", "b.png": b"2"})
    first = data_sums(data, RULE, tmp_path / "cache", lambda _stage, done, _total: told.append(done))
    assert told == [1, 2]
    assert data_sums(data, RULE, tmp_path / "cache", lambda _stage, done, _total: told.append(done)) == first
    assert told == [1, 2]
    (tmp_path / "a.png").write_bytes(b"other")
    assert data_sums(data, RULE, tmp_path / "cache") != first


def test_a_cache_that_cant_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    data = dataset(tmp_path, {"a.png": b"1", "b.png": b"2"})
    assert data_sums(data, RULE, tmp_path / "cache") == data_sums(data, RULE, tmp_path / "elsewhere")


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"a.png": b"1", "b.png": b"2"})
    (tmp_path / "a.png").unlink()
    with pytest.raises(InvalidInput, match=r"picture .*a\.png can't be read"):
        data_sums(data, RULE, tmp_path / "cache")

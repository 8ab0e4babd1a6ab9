from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput
from training.datasets import Dataset, PictureSet


def make(split: str, *class_names: str) -> PictureSet:
    return PictureSet(
        name=f"set/{split}",
        paths=tuple(Path(f"{name}.png") for name in class_names),
        labels=np.arange(len(class_names)),
        class_names=class_names,
    )


def test_ids_are_the_paths_unless_given() -> None:
    assert make("train", "a", "b").ids == ("a.png", "b.png")
    assert len(make("train", "a", "b")) == 2


@pytest.mark.parametrize(
    ("train", "validation", "test", "says"),
    [
        ("ab", "", "bc", r"set/train and set/test share 1 classes \(b\)"),
        ("ab", "ac", "d", r"set/train and set/validation share 1 classes \(a\)"),
        ("a", "bc", "bc", r"set/validation and set/test share 2 classes \(b, c\)"),
    ],
)
def test_a_shared_class_is_refused_unless_asked_for(train: str, validation: str, test: str, says: str) -> None:
    parts = {"train": make("train", *train), "validation": make("validation", *validation), "test": make("test", *test)}
    with pytest.raises(InvalidInput, match=says):
        Dataset(name="set", **parts)  # type: ignore[arg-type] # mypy reads the dict's values as any field's
    assert Dataset(name="set", allow_shared_classes=True, **parts).test is parts["test"]  # type: ignore[arg-type] # as above


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="1 paths, 1 ids and 2 labels"):
        PictureSet(name="x", paths=(Path("a"),), labels=np.array([0, 1]), class_names=("a", "b"))
    with pytest.raises(ValueError, match="labels 3 to 3 for 1 classes"):
        PictureSet(name="x", paths=(Path("a"),), labels=np.array([3]), class_names=("a",))


def test_test_and_gallery_share_their_classes_and_nobody_else_does() -> None:
    queries, gallery = make("test", *"cd"), make("gallery", *"cd")
    dataset = Dataset(
        name="set", train=make("train", *"ab"), validation=make("validation"), test=queries, gallery=gallery
    )
    assert list(dataset.splits) == ["train", "validation", "test", "gallery"]
    assert dataset.splits["gallery"] is gallery
    with pytest.raises(InvalidInput, match=r"set/train and set/test share 1 classes \(c\)"):
        Dataset(name="set", train=make("train", *"ac"), validation=make("validation"), test=queries, gallery=gallery)
    with pytest.raises(InvalidInput, match=r"set/validation and set/test share 1 classes \(d\)"):
        Dataset(name="set", train=make("train"), validation=make("validation", "d"), test=queries, gallery=gallery)


def test_a_gallery_of_other_numbers_is_refused() -> None:
    parts = {split: make(split) for split in ("train", "validation")}
    with pytest.raises(ValueError, match="set/gallery and set/test number their classes differently"):
        Dataset(name="set", test=make("test", "c", "d"), gallery=make("gallery", "d", "c"), **parts)  # type: ignore[arg-type] # as above


def test_without_a_gallery_there_are_three_splits() -> None:
    parts = {split: make(split) for split in ("train", "validation", "test")}
    assert Dataset(name="set", **parts).splits == parts  # type: ignore[arg-type] # as above

from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from training.datasets.class_split import LabelledPicture, split_by_class


def make(folder: Path, classes: int, each: int = 2) -> list[LabelledPicture]:
    pictures = []
    for label in range(classes):
        for number in range(each):
            path = folder / f"{label}-{number}"
            path.write_text(path.name)
            pictures.append(LabelledPicture(path=path, label=f"class {label}", id=path.name))
    return pictures


@pytest.mark.parametrize(
    ("classes", "train", "validation", "test"),
    [(4, 2, 0, 2), (5, 3, 0, 2), (19, 10, 0, 9), (20, 8, 2, 10), (50, 20, 5, 25)],
)
def test_sizes(classes: int, train: int, validation: int, test: int, tmp_path: Path) -> None:
    dataset = split_by_class("mine", make(tmp_path, classes))
    sizes = [len(part.class_names) for part in (dataset.train, dataset.validation, dataset.test)]
    assert sizes == [train, validation, test]
    assert len(dataset.train) == 2 * train
    assert dataset.test.name == "mine/test"
    assert dataset.notes == ()


def test_the_split_is_fixed_by_the_names(tmp_path: Path) -> None:
    pictures = make(tmp_path, 6)
    dataset = split_by_class("mine", pictures)
    assert split_by_class("mine", pictures[::-1]).test.ids == dataset.test.ids
    # `printf 'class 3' | sha256sum` starts with 3ceac4ee; then come 0 (47b2), 1 (5302), 2 (53f2), 5 (70a4), 4 (8dc6)
    assert dataset.test.class_names == ("class 0", "class 1", "class 3")


def test_few_classes_are_refused_with_the_number_needed(tmp_path: Path) -> None:
    pictures = make(tmp_path, 3)
    with pytest.raises(InvalidInput, match="mine has 3 classes of two or more pictures, wanted at least 4"):
        split_by_class("mine", pictures)


def test_a_class_of_one_picture_is_left_out_and_noted(tmp_path: Path) -> None:
    pictures = make(tmp_path, 6)[:-1]
    dataset = split_by_class("mine", pictures)
    assert "class 5" not in (*dataset.train.class_names, *dataset.test.class_names)
    assert dataset.notes == ("left out 1 class of one picture: class 5",)


def test_pictures_stored_twice(tmp_path: Path) -> None:
    pictures = make(tmp_path, 4, each=4)
    pictures[1].path.write_bytes(pictures[0].path.read_bytes())  # class 0, twice
    pictures[8].path.write_bytes(pictures[4].path.read_bytes())  # classes 1 and 2
    dataset = split_by_class("mine", pictures)
    kept = {*dataset.train.ids, *dataset.test.ids}
    assert {picture.id for picture in pictures} - kept == {"0-1", "1-0", "2-0"}
    assert dataset.notes == (
        "left out 1 picture, byte for byte the same as another of its class: 0-1",
        "left out 2 pictures, byte for byte the same in two classes: 1-0, 2-0",
    )

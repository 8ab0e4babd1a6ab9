"""Cars196 as copies of it often are: a folder for each class, in one folder or in `train/` and `test/`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput
from training.datasets.benchmark import Contents
from training.datasets.class_split import LabelledPicture
from training.datasets.folder import PICTURE_SUFFIXES

__all__ = ["find_class_folders", "read_class_folders"]

_MIN_CLASSES = 2
_OTHER_LAYOUTS: Final = frozenset({"car_ims", "cars_train", "cars_test", "car_devkit", "devkit", "unpacked"})


def find_class_folders(root: Path) -> dict[str, list[Path]]:
    """Return the class folders by name; a name has two where there are `train/` and `test/`. Empty: another layout."""
    halves = [root / "train", root / "test"]
    folders: dict[str, list[Path]] = {}
    for parent in halves if all(any(_class_folders(half)) for half in halves) else [root]:
        for folder in _class_folders(parent):
            folders.setdefault(folder.name, []).append(folder)
    return folders if len(folders) >= _MIN_CLASSES else {}


def read_class_folders(root: Path, official: bool) -> Contents:
    """Return the pictures; the first half of the classes trains, by number or else by name.

    The published classes are numbered by maker, A to Z, and the 98th is the last of a maker: numbers and names put the
    same classes into the first half.

    Raises:
        InvalidInput: The archive's own split is asked for, and the folders don't tell it.
    """
    folders = find_class_folders(root)
    if official and not any(folder.parent.name == "test" for places in folders.values() for folder in places):
        raise InvalidInput(
            f"the folders in {root} don't tell which pictures are for training; wanted train/ and test/ there, or "
            f"Cars196 with its lists, for cars196-official",
            field="dataset",
        )
    first_half = set(_in_order(folders)[: len(folders) // 2])
    sides: dict[bool, list[LabelledPicture]] = {False: [], True: []}
    for name, places in folders.items():
        for folder in places:
            tests = folder.parent.name == "test" if official else name not in first_half
            for path in _pictures(folder):
                sides[tests].append(LabelledPicture(path=path, label=name, id=path.relative_to(root).as_posix()))
    return Contents(root=root, train=sides[False], test=sides[True])


def _class_folders(parent: Path) -> Iterator[Path]:
    if not parent.is_dir():
        return
    for folder in sorted(parent.iterdir()):
        hidden = folder.name.startswith(".")
        if not hidden and folder.is_dir() and folder.name not in _OTHER_LAYOUTS and any(_pictures(folder)):
            yield folder


def _pictures(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
            yield path


def _in_order(names: dict[str, list[Path]]) -> list[str]:
    numbers = {name: re.match(r"\d+", name) for name in names}
    if all(numbers.values()):
        return sorted(names, key=lambda name: (int(numbers[name][0]), name))  # type: ignore[index] # all have one
    return sorted(names)

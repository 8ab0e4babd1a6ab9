"""Split one's own pictures by class, the same way on every machine."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smserve.errors import InvalidInput
from training.datasets.duplicates import identical_groups
from training.datasets.pictures import Dataset, PictureSet

__all__ = ["LabelledPicture", "hash_fraction", "split_by_class", "to_picture_set", "without_duplicates"]

_MIN_CLASSES = 4  # two in test and two in train
_VALIDATION_FROM_CLASSES = 20  # below that, a tenth is no two classes
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture file, its class, and a name that is unique in the data set."""

    path: Path
    label: str
    id: str


def split_by_class(name: str, pictures: Sequence[LabelledPicture], notes: Sequence[str] = ()) -> Dataset:
    """Split the classes in the order of sha256(class name): the first half tests, the rest trains.

    From 20 classes on, a tenth of all classes is taken from training for validation. A class with one picture makes no
    pair and is left out. Where classes are added later, few others change sides.

    Raises:
        InvalidInput: Fewer than four classes have two pictures.
    """
    pictures, notes = without_duplicates(pictures, notes)
    sizes: dict[str, int] = {}
    for picture in pictures:
        sizes[picture.label] = sizes.get(picture.label, 0) + 1
    classes = sorted((label for label, size in sizes.items() if size > 1), key=_hash)
    if len(classes) < _MIN_CLASSES:
        raise InvalidInput(
            f"{name} has {len(classes)} classes of two or more pictures, wanted at least {_MIN_CLASSES}: two to train "
            f"on and two others to test on; add classes",
            field="label",
        )
    singles = sorted(sizes.keys() - set(classes))
    if singles:
        notes = (*notes, f"left out {_count(len(singles), 'class', 'classes')} of one picture: {_some(singles)}")
    tested = len(classes) // 2
    validated = len(classes) // 10 if len(classes) >= _VALIDATION_FROM_CLASSES else 0
    parts = {
        "test": classes[:tested],
        "validation": classes[tested : tested + validated],
        "train": classes[tested + validated :],
    }
    split_of = {label: split for split, labels in parts.items() for label in labels}
    train, validation, test = (
        to_picture_set(f"{name}/{split}", [picture for picture in pictures if split_of.get(picture.label) == split])
        for split in ("train", "validation", "test")
    )
    return Dataset(name=name, train=train, validation=validation, test=test, notes=tuple(notes))


def to_picture_set(
    name: str, pictures: Sequence[LabelledPicture], class_names: Sequence[str] | None = None
) -> PictureSet:
    """Return the pictures as a set, sorted by class and then by id; classes are those of the pictures if not given."""
    ordered = sorted(pictures, key=lambda picture: (picture.label, picture.id))
    if class_names is None:
        class_names = sorted({picture.label for picture in ordered})
    index = {label: position for position, label in enumerate(class_names)}
    return PictureSet(
        name=name,
        paths=tuple(picture.path for picture in ordered),
        labels=np.array([index[picture.label] for picture in ordered], np.int64),
        class_names=tuple(class_names),
        ids=tuple(picture.id for picture in ordered),
    )


def without_duplicates(
    pictures: Sequence[LabelledPicture], notes: Sequence[str] = ()
) -> tuple[list[LabelledPicture], tuple[str, ...]]:
    """Return the pictures less those stored twice, and the notes with a line on what was left out.

    Of the same picture under one class the first stays; under several classes none does, since one label is wrong.
    """
    repeated: set[int] = set()
    contradicting: set[int] = set()
    for group in identical_groups([picture.path for picture in pictures]):
        if len({pictures[index].label for index in group}) > 1:
            contradicting.update(group)
        else:
            repeated.update(group[1:])
    notes = list(notes)
    for left_out, why in ((repeated, "the same as another of its class"), (contradicting, "the same in two classes")):
        if left_out:
            names = _some([pictures[index].id for index in sorted(left_out)])
            notes.append(f"left out {_count(len(left_out), 'picture', 'pictures')}, byte for byte {why}: {names}")
    kept = [picture for index, picture in enumerate(pictures) if index not in repeated | contradicting]
    return kept, tuple(notes)


def hash_fraction(name: str) -> float:
    """Return a number in [0, 1) that is as if drawn, and always the same for a name: to split by."""
    return int.from_bytes(_hash(name)[:8], "big") / 2**64


def _hash(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_NAMED]) + (f" and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else "")

"""Which pictures of an emoji belong together, and which are left out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.datasets.class_split import hash_fraction
from training.datasets.duplicates import identical_groups

__all__ = ["EmojiPicture", "class_key", "group_classes", "is_left_out", "split_of"]

_VARIATION_SELECTOR = "fe0f"  # asks for the coloured form; vendors differ in writing it
_SKIN_TONES = frozenset({"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"})
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
_FLAG_BASE = "1f3f4"
_FIRST_TAG = 0xE0000
_OTHER_FLAGS = frozenset(  # the rest of Unicode's group Flags
    {"1f3c1", "1f6a9", "1f38c", "1f3f4", "1f3f3", "1f3f3-200d-1f308", "1f3f3-200d-26a7", "1f3f4-200d-2620"}
)
_VALIDATION_FROM = 0.4
_TEST_FROM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EmojiPicture:
    """One vendor's drawing of one emoji."""

    key: str
    vendor: str
    path: Path


def class_key(stem: str) -> str:
    """Return the class of a picture by its file name: "0023-FE0F-20E3" gives "23-20e3"."""
    return "-".join(point.lstrip("0") for point in stem.lower().split("-") if point != _VARIATION_SELECTOR)


def is_left_out(key: str) -> bool:
    """Say whether a class is no part of the data set: flags (told apart by detail alone) and skin-tone variants."""
    points = key.split("-")
    if _SKIN_TONES.intersection(points) or key in _OTHER_FLAGS:
        return True
    if int(points[0], 16) in _REGIONAL_INDICATORS:
        return True
    return points[0] == _FLAG_BASE and len(points) > 1 and int(points[1], 16) >= _FIRST_TAG


def split_of(key: str) -> Literal["train", "validation", "test"]:
    """Return the split of a class, by a hash of its first code point: variants of one emoji stay together."""
    fraction = hash_fraction(key.split("-", maxsplit=1)[0])
    if fraction >= _TEST_FROM:
        return "test"
    return "validation" if fraction >= _VALIDATION_FROM else "train"


def group_classes(art: Mapping[str, Path]) -> dict[str, list[EmojiPicture]]:
    """Return the classes, sorted by key, with their pictures, sorted by vendor.

    A class needs two pictures. Pictures that are byte for byte the same under different keys are all left out, since
    no model could tell which class they show; a class left with one picture goes too.

    Args:
        art: A folder of pictures for each vendor.
    """
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for vendor, folder in art.items():
        for path in sorted(folder.iterdir()):
            if path.suffix in {".png", ".webp"} and not is_left_out(class_key(path.stem)):
                found[class_key(path.stem)][vendor] = path
    pictures = [
        EmojiPicture(key=key, vendor=vendor, path=path)
        for key, vendors in sorted(found.items())
        for vendor, path in sorted(vendors.items())
        if len(vendors) > 1
    ]
    ambiguous: set[int] = set()
    for group in identical_groups([picture.path for picture in pictures]):
        if len({pictures[index].key for index in group}) > 1:
            ambiguous.update(group)
    classes: dict[str, list[EmojiPicture]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        if index not in ambiguous:
            classes[picture.key].append(picture)
    return {key: members for key, members in classes.items() if len(members) > 1}

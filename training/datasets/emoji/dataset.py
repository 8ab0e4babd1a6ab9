"""The built-in data set: a class is an emoji, its pictures are the drawings of several vendors."""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from smserve.errors import DataLoss
from training.datasets.archive import unpack
from training.datasets.emoji.classes import EmojiPicture, class_key, group_classes, split_of
from training.datasets.emoji.packages import EMOJI, EmojiPackage, EmojiSpec
from training.datasets.lock import exclusive
from training.datasets.npm import fetch_package
from training.datasets.pictures import Dataset, PictureSet
from training.datasets.progress import Progress, silent

__all__ = ["load_emoji"]

_NAMES = "package/emoji.json"
_KEPT_BESIDE_ART = frozenset({_NAMES, "package/LICENSE", "package/README.md", "package/package.json"})


def load_emoji(data_dir: Path, *, spec: EmojiSpec = EMOJI, progress: Progress = silent) -> Dataset:
    """Return the emoji data set, fetched into `data_dir/emoji` and unpacked on the first call.

    Raises:
        SmserveError: There is no npm, or the disk is full.
        Unavailable: A package can't be fetched.
        DataLoss: A package is not what it should be.
    """
    root = data_dir / "emoji"
    folders = _unpacked(root, spec, progress)
    classes = group_classes({package.vendor: folders[package] / "package" / package.art for package in spec.packages})
    counts = (len(classes), sum(map(len, classes.values())))
    if counts != (spec.classes, spec.pictures):
        raise DataLoss(
            f"data set emoji has {counts[0]:,} classes and {counts[1]:,} pictures, wanted {spec.classes:,} and "
            f"{spec.pictures:,}; files in {root / 'unpacked'} were changed, so remove that folder and run again"
        )
    names = _short_names(folders.values())
    splits: dict[str, list[list[EmojiPicture]]] = {"train": [], "validation": [], "test": []}
    for key, pictures in classes.items():
        splits[split_of(key)].append(pictures)
    train, validation, test = (_picture_set(split, groups, names) for split, groups in splits.items())
    return Dataset(name="emoji", train=train, validation=validation, test=test)


def _unpacked(root: Path, spec: EmojiSpec, progress: Progress) -> dict[EmojiPackage, Path]:
    """Return the folder of each package; fetches and unpacks what is missing."""
    folders = {package: root / "unpacked" / package.folder for package in spec.packages}
    archives = root / "archives"
    with exclusive(root):
        archives.mkdir(exist_ok=True)
        for done, (package, folder) in enumerate(folders.items()):
            if not folder.exists():
                progress(f"fetching {package.package}", done, len(folders))
                archive = fetch_package(package, archives)
                unpack(archive, folder, partial(_is_wanted, f"package/{package.art}/"), progress)
    return folders


def _is_wanted(art: str, member: str) -> bool:
    return member in _KEPT_BESIDE_ART or member.startswith(art)


def _short_names(folders: Iterable[Path]) -> dict[str, str]:
    """Return the short name of each class that a package knows; the first package wins."""
    names: dict[str, str] = {}
    for folder in folders:
        path = folder / _NAMES
        if path.exists():
            for emoji in json.loads(path.read_bytes()):
                names.setdefault(class_key(Path(emoji["image"]).stem), emoji["short_name"])
    return names


def _picture_set(split: str, groups: list[list[EmojiPicture]], names: dict[str, str]) -> PictureSet:
    pictures = [picture for group in groups for picture in group]
    return PictureSet(
        name=f"emoji/{split}",
        paths=tuple(picture.path for picture in pictures),
        labels=np.repeat(np.arange(len(groups)), [len(group) for group in groups]).astype(np.int64),
        class_names=tuple(f"{group[0].key} {names.get(group[0].key, '')}".rstrip() for group in groups),
        ids=tuple(f"{picture.vendor}/{picture.key}" for picture in pictures),
    )

"""What the methods are compared on: emoji, icons, and photos of SMSERVE_PHOTOS by cross-validation over classes."""

import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.comparing.icons import load_icons
from training.config import TrainConfig, override
from training.datasets import Dataset, PictureSet, load_dataset
from training.datasets.class_split import LabelledPicture, to_picture_set
from training.recipes import find_recipe

__all__ = ["Arena", "Fold", "open_arena"]

_PHOTO_FOLDS: Final = 3
_SMALL_CLASSES: Final = 24
_SMALL_PER_CLASS: Final = 4
_SMALL_PICTURES: Final = 250
_EMPTY: Final = PictureSet(name="none", paths=(), labels=np.zeros(0, np.int64), class_names=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """Classes to train on, to choose settings on and to test on.

    Attributes:
        tuning: Its "test" pictures are those of the validation classes; it has no test classes.
        final: Test classes that are measured once a run.
    """

    name: str
    tuning: Dataset
    final: Dataset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arena:
    """A data set: its folds, whose test classes are all classes at most once; the recipe; pictures a run embeds."""

    name: str
    folds: Sequence[Fold]
    base: TrainConfig
    pictures: int


def open_arena(name: str, data: Path, *, small: bool = False) -> Arena:
    """Return the arena "emoji", "icons" or "photos".

    Args:
        name: Of the data set.
        data: Where emoji and icons are, or go.
        small: One fold, with a few pictures of a few classes in each split, to try things out.
    """
    if name in {"emoji", "icons"}:
        whole = load_dataset("emoji", data) if name == "emoji" else load_icons(data)
        tuning = Dataset(name=f"{name}-tuning", train=whole.train, validation=_EMPTY, test=whole.validation)
        folds = [Fold(name="all", tuning=tuning, final=whole)]
        arena = Arena(name=name, folds=folds, base=_base("emoji", "emoji"), pictures=15_000)
    else:
        arena = Arena(name=name, folds=_photo_folds(), base=_base("photos", "folder:photos"), pictures=5_000)
    if not small:
        return arena
    base = override(arena.base, ["sampler.batch_size=32", "optimizer.warmup_steps=2"])  # else a batch has all classes
    return replace(arena, folds=[_small(arena.folds[0])], base=base, pictures=_SMALL_PICTURES)


def _base(recipe: str, dataset: str) -> TrainConfig:
    """Return a recipe without mining, whose epochs end by its pictures; guards would end what may still learn.

    Pictures of 64 pixels in place of the recipe's cost a half to a quarter, so that several hundred runs are possible.
    The last pass takes them as a server shows them, for all methods.
    """
    changes = ["sampler.mined_share=0", "epochs=1000", "recall_at=1", "checkpoint.every_s=60", "checkpoint.keep=1"]
    changes += [
        "finish.augmented=false",
        "guards.on=false",
        "resize.size=64",
        "resize.height=64",
        "resize.width=64",
        "model.input_size=none",
    ]
    return override(find_recipe(recipe, dataset), changes)


def _photo_folds() -> list[Fold]:
    """Return folds that test each class once: of thirds in an order by hash, one tests, one trains, one does both.

    Half of the third that does both is for validation. Test and validation photos are asked with those of role "query"
    for those of role "gallery", which were taken at another time.
    """
    folder = os.environ.get("SMSERVE_PHOTOS")
    if not folder or not (Path(folder) / "labels.csv").is_file():
        raise SystemExit(
            f"Error: SMSERVE_PHOTOS is {folder or 'not set'}; wanted a folder with labels.csv, whose columns are path, "
            f"label and role (query or gallery), or --data-sets emoji"
        )
    with (Path(folder) / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    order = sorted({row["label"] for row in rows}, key=lambda label: hashlib.sha256(label.encode()).digest())
    parts = [order[start::_PHOTO_FOLDS] for start in range(_PHOTO_FOLDS)]
    folds = []
    for number in range(_PHOTO_FOLDS):
        test, other, both = (parts[(number + step) % _PHOTO_FOLDS] for step in range(3))
        validation, train = both[: len(both) // 2], [*other, *both[len(both) // 2 :]]

        def pictures(kind: str, labels: Sequence[str], role: str | None = None, number: int = number) -> PictureSet:
            found = [
                LabelledPicture(path=Path(folder) / row["path"], label=row["label"], id=row["path"])
                for row in rows
                if row["label"] in labels and role in {None, row["role"]}
            ]
            return to_picture_set(f"photos-{number}/{kind}", found, sorted(labels))

        learnt = pictures("train", train)
        tuning = Dataset(
            name=f"photos-{number}-tuning",
            train=learnt,
            validation=_EMPTY,
            test=pictures("validation-query", validation, "query"),
            gallery=pictures("validation-gallery", validation, "gallery"),
        )
        final = Dataset(
            name=f"photos-{number}",
            train=learnt,
            validation=pictures("validation", validation),
            test=pictures("test-query", test, "query"),
            gallery=pictures("test-gallery", test, "gallery"),
        )
        folds.append(Fold(name=str(number), tuning=tuning, final=final))
    return folds


def _small(fold: Fold) -> Fold:
    """Return the first pictures of the first classes of each split."""

    def cut(pictures: PictureSet) -> PictureSet:
        rank = np.arange(len(pictures)) - np.searchsorted(pictures.labels, pictures.labels)  # within the class
        kept = np.flatnonzero((pictures.labels < _SMALL_CLASSES) & (rank < _SMALL_PER_CLASS))
        return PictureSet(
            name=pictures.name,
            paths=tuple(pictures.paths[place] for place in kept),
            labels=pictures.labels[kept],
            class_names=pictures.class_names[:_SMALL_CLASSES],
            ids=tuple(pictures.ids[place] for place in kept),
        )

    def cut_all(dataset: Dataset) -> Dataset:
        return Dataset(
            name=f"{dataset.name}-small",
            train=cut(dataset.train),
            validation=cut(dataset.validation),
            test=cut(dataset.test),
            gallery=None if dataset.gallery is None else cut(dataset.gallery),
        )

    return Fold(name=fold.name, tuning=cut_all(fold.tuning), final=cut_all(fold.final))

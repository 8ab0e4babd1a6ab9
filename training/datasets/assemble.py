"""From what the lists name to a data set: pictures that are there, in the numbers that were published."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from smserve.errors import DataLoss, InvalidInput
from training.datasets.benchmark import Benchmark, Contents, Counts, SplitSize
from training.datasets.class_split import LabelledPicture, to_picture_set
from training.datasets.pictures import Dataset

__all__ = ["assemble", "count"]

_MIN_CLASSES = 2


def count(contents: Contents) -> Counts:
    """Return the sizes of the splits."""
    train, test = _size(contents.train), _size(contents.test)
    return Counts(train=train, test=test, gallery=None if contents.gallery is None else _size(contents.gallery))


def assemble(
    benchmark: Benchmark, contents: Contents, *, name: str, official: bool = False, allow_subset: bool = False
) -> Dataset:
    """Return the data set, checked; validation is empty, since the papers train on all training classes.

    Args:
        benchmark: What it must come to.
        contents: What its lists name.
        name: The data set's name, as `load_dataset` takes it.
        official: `contents` is the archive's own split.
        allow_subset: Accept other counts, and leave out pictures that are not there.

    Raises:
        DataLoss: Pictures are missing or listed twice, or the counts are not those published.
        InvalidInput: A part with fewer than two classes to train or test on.
    """
    wanted = benchmark.official if official else benchmark.counts
    if wanted is None:  # no name leads here
        raise ValueError(f"{benchmark.name} has no split of its own")
    splits = {"train": contents.train, "test": contents.test, "gallery": contents.gallery or ()}
    _check_listed_once(contents, splits)
    missing = {split: [each for each in listed if not each.path.is_file()] for split, listed in splits.items()}
    lost = [each for pictures in missing.values() for each in pictures]
    if lost and not allow_subset:
        raise DataLoss(
            f"{len(lost):,} pictures are missing from {contents.root}, first {lost[0].id}; {_ways_out(benchmark)}"
        )
    if lost:
        gone = {each.id for each in lost}
        train, test, gallery = ([each for each in listed if each.id not in gone] for listed in splits.values())
        contents = replace(contents, train=train, test=test, gallery=None if contents.gallery is None else gallery)
    notes = [benchmark.note] if benchmark.note else []
    if official:
        notes.append(
            f"{name} is the archive's own split, whose test classes are all seen in training; its figures CAN'T be "
            f"compared with the papers', which use {benchmark.name}"
        )
    got = count(contents)
    if got != wanted:
        if not allow_subset:
            raise DataLoss(f"{contents.root} has {got}; wanted {wanted}; {_ways_out(benchmark)}")
        _check_enough(name, contents)
        notes.append(f"a part of {benchmark.title} ({got}): figures can't be compared with the papers'")
    asked = [*contents.test, *(contents.gallery or ())]
    asked_classes = sorted({picture.label for picture in asked})
    return Dataset(
        name=name,
        train=to_picture_set(f"{name}/train", contents.train),
        validation=to_picture_set(f"{name}/validation", []),
        test=to_picture_set(f"{name}/test", contents.test, asked_classes),
        gallery=None
        if contents.gallery is None
        else to_picture_set(f"{name}/gallery", contents.gallery, asked_classes),
        allow_shared_classes=official,
        notes=tuple(notes),
    )


def _size(pictures: Sequence[LabelledPicture]) -> SplitSize:
    return SplitSize(len({picture.label for picture in pictures}), len(pictures))


def _ways_out(benchmark: Benchmark) -> str:
    return (
        f"remove the folder and unpack {benchmark.file_sets[0][0].name} again, or accept a part of the data set by "
        f"allow_subset (--allow-subset)"
    )


def _check_listed_once(contents: Contents, splits: Mapping[str, Sequence[LabelledPicture]]) -> None:
    seen: set[str] = set()
    for picture in (each for pictures in splits.values() for each in pictures):
        if picture.id in seen:
            raise DataLoss(f"the lists in {contents.root} name {picture.id} twice; unpack the archive again")
        seen.add(picture.id)


def _check_enough(name: str, contents: Contents) -> None:
    """Refuse a part that leaves nothing to learn or to find."""
    pairs = "of two or more pictures"
    has_pair = {"train on": _with_pairs(contents.train), f"test on ({pairs})": _with_pairs(contents.test)}
    if contents.gallery is not None:
        found = {picture.label for picture in contents.gallery} & {picture.label for picture in contents.test}
        has_pair = {"train on": has_pair["train on"], "test on (both asked for and in the gallery)": len(found)}
    for purpose, classes in has_pair.items():
        if classes < _MIN_CLASSES:
            raise InvalidInput(
                f"{name} at {contents.root} has {classes} classes to {purpose}, wanted at least {_MIN_CLASSES}; take a "
                f"larger part of the data set",
                field="dataset",
            )


def _with_pairs(pictures: Sequence[LabelledPicture]) -> int:
    """Return how many classes have two pictures."""
    once: set[str] = set()
    twice: set[str] = set()
    for picture in pictures:
        (twice if picture.label in once else once).add(picture.label)
    return len(twice)

"""Data sets by name, as the command line gives them."""

from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput
from training.datasets.csv_file import load_csv
from training.datasets.emoji import load_emoji
from training.datasets.folder import load_folder
from training.datasets.pictures import Dataset
from training.datasets.progress import Progress, silent
from training.datasets.published import BENCHMARKS, find_benchmark, load_benchmark

__all__ = ["CUB_URL_VARIABLE", "DATASET_NAMES", "load_dataset", "parse_name", "public_name"]

_PUBLISHED: Final = (*BENCHMARKS, *(f"{name}-official" for name, each in BENCHMARKS.items() if each.official))
_UNPLACED: Final = ("emoji", *_PUBLISHED)
_PLACED: Final = (*_PUBLISHED, "folder", "csv")
DATASET_NAMES: Final = (*_UNPLACED, *(f"{kind}:DIR" for kind in (*_PUBLISHED, "folder")), "csv:FILE")
CUB_URL_VARIABLE: Final = BENCHMARKS["cub"].url_variable
"""Environment variable: another place to download CUB's archive from."""


def parse_name(name: str) -> tuple[str, str]:
    """Return kind and place: "cub:birds" gives "cub" and "birds", "cub" gives "cub" and nothing.

    Raises:
        InvalidInput: There is no data set of that name.
    """
    kind, colon, place = name.partition(":")
    if kind in _PLACED if colon and place else not colon and kind in _UNPLACED:
        return kind, place
    raise InvalidInput(f"data set is {name!r}; wanted one of {', '.join(DATASET_NAMES)}", field="dataset")


def public_name(name: str) -> str:
    """Return a data set's name without the folders above its place, for files that others get.

    "folder:/home/me/photos" gives "folder:photos".
    """
    kind, colon, place = name.partition(":")
    return f"{kind}:{Path(place).resolve().name}" if colon and place else name


def load_dataset(
    name: str,
    data_dir: Path,
    *,
    progress: Progress = silent,
    allow_shared_classes: bool = False,
    allow_subset: bool = False,
) -> Dataset:
    """Return a data set, fetched and checked.

    Args:
        name: One of `DATASET_NAMES`.
        data_dir: Where fetched data sets are kept, each in a folder of its own.
        progress: Told how far fetching and unpacking are.
        allow_shared_classes: Accept a CSV that puts a class into two splits.
        allow_subset: Accept a published data set with other counts than those published: a part to try things out on.

    Raises:
        InvalidInput: No such data set, or the folder or CSV is wrong.
        SmserveError: It can't be fetched, or what is there is damaged; see the loaders.
    """
    kind, place = parse_name(name)
    if kind == "emoji":
        return load_emoji(data_dir, progress=progress)
    if kind == "folder":
        return load_folder(Path(place))
    if kind == "csv":
        return load_csv(Path(place), allow_shared_classes=allow_shared_classes)
    benchmark, official = find_benchmark(kind)
    return load_benchmark(
        benchmark, data_dir=data_dir, place=place, official=official, allow_subset=allow_subset, progress=progress
    )

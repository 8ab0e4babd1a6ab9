"""Data sets by name, as the command line gives them."""

import os
from dataclasses import replace
from pathlib import Path

from smserve.errors import InvalidInput
from training.datasets.csv_file import load_csv
from training.datasets.cub import CUB, load_cub, read_cub
from training.datasets.emoji import load_emoji
from training.datasets.folder import load_folder
from training.datasets.pictures import Dataset
from training.datasets.progress import Progress, silent

__all__ = ["CUB_URL_VARIABLE", "DATASET_NAMES", "load_dataset"]

DATASET_NAMES = ("emoji", "cub", "cub:DIR", "folder:DIR", "csv:FILE")
CUB_URL_VARIABLE = "SMSERVE_CUB_URL"
"""Environment variable: another place to download CUB's archive from."""


def load_dataset(
    name: str, data_dir: Path, *, progress: Progress = silent, allow_shared_classes: bool = False
) -> Dataset:
    """Return a data set, fetched and checked.

    Args:
        name: One of `DATASET_NAMES`.
        data_dir: Where fetched data sets are kept, each in a folder of its own.
        progress: Told how far fetching and unpacking are.
        allow_shared_classes: Accept a CSV that puts a class into two splits.

    Raises:
        InvalidInput: No such data set, or the folder or CSV is wrong.
        SmserveError: It can't be fetched, or what is there is damaged; see the loaders.
    """
    kind, colon, place = name.partition(":")
    if kind == "emoji" and not colon:
        return load_emoji(data_dir, progress=progress)
    if kind == "cub" and not colon:
        url = os.environ.get(CUB_URL_VARIABLE) or CUB.archive.url
        return load_cub(data_dir, spec=replace(CUB, archive=replace(CUB.archive, url=url)), progress=progress)
    if kind == "cub" and place:
        return read_cub(Path(place))
    if kind == "folder" and place:
        return load_folder(Path(place))
    if kind == "csv" and place:
        return load_csv(Path(place), allow_shared_classes=allow_shared_classes)
    raise InvalidInput(f"data set is {name!r}; wanted one of {', '.join(DATASET_NAMES)}", field="dataset")

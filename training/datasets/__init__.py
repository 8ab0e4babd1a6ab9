"""Data sets with class-disjoint splits, and their pictures as arrays."""

from training.datasets.csv_file import write_csv
from training.datasets.load import DATASET_NAMES, load_dataset
from training.datasets.pictures import Dataset, PictureSet
from training.datasets.pixels import decode_set
from training.datasets.progress import Progress, silent

__all__ = [
    "DATASET_NAMES",
    "Dataset",
    "PictureSet",
    "Progress",
    "decode_set",
    "load_dataset",
    "silent",
    "write_csv",
]

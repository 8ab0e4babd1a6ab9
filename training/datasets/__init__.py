"""Data sets with class-disjoint splits, and their pictures as arrays."""

from training.datasets.benchmark import SplitSize
from training.datasets.catalogue import CatalogueEntry, catalogue
from training.datasets.csv_file import write_csv
from training.datasets.load import DATASET_NAMES, load_dataset, public_name
from training.datasets.pictures import Dataset, PictureSet
from training.datasets.pixels import decode_set
from training.datasets.preparation import PreparedSplit, prepare_dataset
from training.datasets.progress import Progress, silent
from training.datasets.verify import VerifyReport, verify_dataset

__all__ = [
    "DATASET_NAMES",
    "CatalogueEntry",
    "Dataset",
    "PictureSet",
    "PreparedSplit",
    "Progress",
    "SplitSize",
    "VerifyReport",
    "catalogue",
    "decode_set",
    "load_dataset",
    "prepare_dataset",
    "public_name",
    "silent",
    "verify_dataset",
    "write_csv",
]

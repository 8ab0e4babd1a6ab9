"""The data set of a run, loaded again as the run had it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.datasets import Dataset, Progress
    from training.trainer import RunFolder

__all__ = ["load_run_data"]


def load_run_data(folder: RunFolder, data_dir: Path, progress: Progress) -> Dataset:
    """Return the data set that a run was trained on, accepted as the run accepted it.

    Raises:
        SmserveError: The folder is no run, or its data is not there.
    """
    from training.datasets import load_dataset

    _, name = folder.read_config()
    return load_dataset(name, data_dir, progress=progress, **folder.accepted())

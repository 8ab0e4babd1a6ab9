"""Decode all splits of a data set ahead of training."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smserve.images import ResizeRule
from training.datasets.pictures import Dataset
from training.datasets.pixels import cache_file, decode_set
from training.datasets.progress import Progress, silent

__all__ = ["PreparedSplit", "prepare_dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSplit:
    """A decoded split: its name, how many pictures, the file that holds them, and that file's bytes of pixels."""

    name: str
    pictures: int
    file: Path
    size: int

    def to_dict(self) -> dict[str, Any]:
        """Return the split as JSON holds it."""
        return {**asdict(self), "file": str(self.file)}


def prepare_dataset(
    dataset: Dataset, rule: ResizeRule, cache_dir: Path, progress: Progress = silent
) -> list[PreparedSplit]:
    """Decode the splits that have pictures; what is decoded already is left as it is.

    Raises:
        InvalidInput: Pictures of a split can't be read; the splits before it are kept.
        SmserveError: The cache can't be written.
    """
    prepared = []
    for name, pictures in dataset.splits.items():
        if len(pictures):
            pixels = decode_set(pictures, rule, cache_dir, progress)
            file = cache_file(pictures, rule, cache_dir)
            prepared.append(PreparedSplit(name=name, pictures=len(pictures), file=file, size=pixels.nbytes))
    return prepared

"""One sum a split, over every picture and its class: the same sum, the same data."""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from smserve.errors import InvalidInput
from smserve.images import ResizeRule
from training.datasets.pictures import Dataset, PictureSet
from training.datasets.pixels import cache_file
from training.datasets.progress import Progress, silent
from training.threads import map_in_threads

__all__ = ["data_sums"]


def data_sums(dataset: Dataset, rule: ResizeRule, cache_dir: Path, progress: Progress = silent) -> dict[str, Any]:
    """Return split -> its number of classes and pictures, and the sha256 of contents and classes in their order.

    File names are no part of it. Pictures are read once: what was summed is kept beside the decoded pixels, under the
    same name, which a changed file changes.

    Raises:
        InvalidInput: A picture can't be read.
    """
    return {
        name: {
            "classes": len(split.class_names),
            "pictures": len(split),
            "sha256": _split_sum(split, cache_file(split, rule, cache_dir).with_suffix(".sha256"), progress),
        }
        for name, split in dataset.splits.items()
        if len(split)
    }


def _split_sum(split: PictureSet, kept: Path, progress: Progress) -> str:
    contents = kept.read_text(encoding="ascii") if kept.exists() else _sum_contents(split, progress)
    with contextlib.suppress(OSError):  # next time they are read again
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(contents, encoding="ascii")
    classes = [split.class_names[label] for label in split.labels]
    return hashlib.sha256(json.dumps([contents, classes]).encode()).hexdigest()


def _sum_contents(split: PictureSet, progress: Progress) -> str:
    total = hashlib.sha256()
    for done, each in enumerate(map_in_threads(_sum_file, split.paths), start=1):
        total.update(each)
        progress(f"summing {split.name}", done, len(split))
    return total.hexdigest()


def _sum_file(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise InvalidInput(f"picture {path} can't be read ({error.strerror}); check the file", field="paths") from None

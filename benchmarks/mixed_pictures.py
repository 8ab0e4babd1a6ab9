"""Emoji and photos, as many as are wanted: what a gallery of pictures holds where one kind alone is too few."""

import random
from pathlib import Path

from benchmarks.answering.material import photos
from smserve.indexing import SourceItem
from training.datasets import load_dataset

__all__ = ["mixed_pictures"]


def mixed_pictures(count: int, data: Path, folder: Path) -> list[SourceItem]:
    """Return up to `count` pictures, shuffled alike each time: photos, emoji of the data set, then other emoji.

    The others are of the same packages; the data set leaves them out: flags, skin tones, one picture under two names.

    Args:
        count: Of pictures.
        data: Where the emoji are, or go.
        folder: Where pictures are drawn, where SMSERVE_PHOTOS names no photos.
    """
    found = [
        SourceItem(item_id=f"photo/{number}", path=path, label=path.parent.name)
        for number, path in enumerate(photos(folder, most=2_500))
    ]
    whole = load_dataset("emoji", data)
    taken: set[Path] = set()
    for part in (whole.train, whole.validation, whole.test):
        for path, item_id, label in zip(part.paths, part.ids, part.labels.tolist(), strict=True):
            taken.add(path)
            found.append(SourceItem(item_id=f"emoji/{item_id}", path=path, label=part.class_names[label]))
    art = sorted({path.parent for path in taken})
    for number, path in enumerate(path for each in art for path in sorted(each.iterdir()) if path not in taken):
        found.append(SourceItem(item_id=f"art/{number}", path=path))
    some = found[:count]
    random.Random(0).shuffle(some)  # noqa: S311 - an order, no secret
    return some

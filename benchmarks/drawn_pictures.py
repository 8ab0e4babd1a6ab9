"""Made-up pictures to train on: a folder a class, whose discs have a colour and a place of their own, on any ground."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["draw_classes"]


def draw_classes(root: Path, *, classes: int = 24, per_class: int = 8, side: int = 36) -> None:
    """Write `per_class` pictures of each class into folders below `root`."""
    for number in range(classes):
        own = np.random.default_rng(number)
        fill, place = tuple(own.integers(0, 256, 3).tolist()), own.integers(0, side // 3, 2)
        folder = root / f"class-{number:03}"
        folder.mkdir(parents=True)
        for copy in range(per_class):
            random = np.random.default_rng([number, copy])
            image = Image.new("RGB", (side, side), tuple(random.integers(0, 256, 3).tolist()))
            left, top = (place + random.integers(0, 4, 2)).tolist()
            ImageDraw.Draw(image).ellipse((left, top, left + side // 2, top + side // 2), fill=fill)
            image.save(folder / f"{copy}.png")

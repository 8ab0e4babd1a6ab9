"""Photos of two sizes: 500 x 375 as on web pages, 4000 x 3000 as phones take them."""

import io
import os
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from tests.support.pictures import scene

__all__ = ["large_photo", "load_sources", "small_photo"]

_LARGE: Final = (4000, 3000)
_SMALL: Final = (500, 375)


def load_sources(count: int) -> tuple[list[Image.Image], str]:
    """Return so many pictures, from the folder that SMSERVE_PHOTOS names or else drawn, and where they come from."""
    folder = os.environ.get("SMSERVE_PHOTOS")
    if not folder:
        return [scene((600, 600), seed) for seed in range(count)], "drawn pictures (SMSERVE_PHOTOS names no folder)"
    paths = sorted(Path(folder).rglob("*.jp*g"))
    if len(paths) < count:
        raise SystemExit(f"Error: SMSERVE_PHOTOS={folder} holds {len(paths)} JPEGs, wanted {count}")
    chosen = [paths[place] for place in np.linspace(0, len(paths) - 1, count).astype(int)]
    return [_read(path) for path in chosen], f"photos of {folder}"


def _read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def small_photo(source: Image.Image, seed: int) -> bytes:
    """Return about 85 KB."""
    return _encoded(source, _SMALL, 5, 94, seed)


def large_photo(source: Image.Image, seed: int) -> bytes:
    """Return 3 to 4 MB: enlarged, with the noise of a sensor."""
    return _encoded(source, _LARGE, 7, 90, seed)


def _encoded(source: Image.Image, size: tuple[int, int], noise: float, quality: int, seed: int) -> bytes:
    width, height = size
    side = min(source.width, source.height * width / height)
    box = (0, 0, side, side * height / width)
    pixels = np.asarray(source.resize(size, Image.Resampling.BICUBIC, box=box)).astype(np.float32)
    pixels += np.random.default_rng(seed).normal(0, noise, (height, width, 1))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()

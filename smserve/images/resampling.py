"""Pillow's bilinear filter with antialiasing, by SIMD where the package cykooz-resizer (extra `simd`) is installed.

Both compute the same sums in 8 bits and round some of them differently: by 1 of 255, rarely 2. A model file's
self-check goes through here, so that a build that computes something else does not serve.
"""

import importlib.util
from typing import Final

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from smserve.images.picture import Box

__all__ = ["USES_SIMD", "resample"]

_TRIED: Final = {"11", "12", "13"}
"""Major versions of Pillow. The package reads pixels where Pillow keeps them; the next may keep them elsewhere."""

USES_SIMD: Final = (
    importlib.util.find_spec("cykooz_resizer") is not None and PIL.__version__.partition(".")[0] in _TRIED
)
"""Whether the package is there to be used."""


def resample(image: Image.Image, side: int, box: Box) -> NDArray[np.uint8]:
    """Return (side, side, 3) uint8 of a part of an RGB image."""
    if USES_SIMD:
        return _by_simd(image, side, box)
    return _by_pillow(image, side, box)


def _by_pillow(image: Image.Image, side: int, box: Box) -> NDArray[np.uint8]:
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))


def _by_simd(image: Image.Image, side: int, box: Box) -> NDArray[np.uint8]:
    from cykooz_resizer import CropBox, FilterType, ResizeAlg, ResizeOptions, Resizer

    left, top, right, bottom = box
    options = ResizeOptions(
        resize_alg=ResizeAlg.convolution(FilterType.bilinear),
        use_alpha=False,
        crop_box=CropBox(left, top, right - left, bottom - top),
    )
    target = Image.new("RGB", (side, side))
    Resizer().resize_pil(image, target, options)  # one a call: it has buffers that threads can't share
    return np.asarray(target)

"""Ways from a JPEG's bytes to (S, S, 3) RGB: ours, and the shortest that each library has."""

import importlib
import importlib.util
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smserve.images import ResizeRule, prepare

__all__ = ["FULL", "PEERS", "REDUCED", "Way", "find_ways"]

Way = Callable[[bytes], NDArray[np.uint8]]

FULL, REDUCED = "smserve, full", "smserve, reduced"
PEERS: Final = ("simplejpeg", "cv2", "cykooz_resizer")
_BILINEAR: Final = Image.Resampling.BILINEAR


def find_ways(side: int) -> dict[str, Way]:
    """Return the ways whose libraries are installed, by name; those of other libraries check nothing."""
    rule = ResizeRule(size=side, height=side, width=side)
    ways: dict[str, Way] = {
        FULL: partial(prepare, rule=rule),
        REDUCED: partial(prepare, rule=replace(rule, decoding="reduced")),
    }
    for times in (1, 2):
        ways[f"Pillow, at {times} x"] = partial(_pillow, side=side, times=times)
    found = {name: importlib.import_module(name) for name in PEERS if importlib.util.find_spec(name)}
    jpeg, cv2, resizer = (found.get(name) for name in PEERS)
    if jpeg is not None:
        for times in (1, 2):
            ways[f"simplejpeg at {times} x, Pillow"] = partial(_simplejpeg, jpeg=jpeg, side=side, times=times)
    if cv2 is not None:
        cv2.setNumThreads(1)
        for times in (1, 2):
            for name in ("AREA", "LINEAR"):
                ways[f"OpenCV at {times} x, {name}"] = partial(_opencv, cv2=cv2, side=side, times=times, kind=name)
    if jpeg is not None and resizer is not None:
        for times in (1, 2):
            ways[f"simplejpeg at {times} x, cykooz"] = _Cykooz(jpeg, resizer, side, times)
    return ways


def _fraction(data: bytes, least: int) -> tuple[int, tuple[int, int]]:
    """Return by what a JPEG's sides are divided so that each keeps `least`, and what that gives."""
    with Image.open(io.BytesIO(data)) as image:
        spare = min(image.size) // least
        divisor = next((each for each in (8, 4, 2) if spare >= each), 1)
        return divisor, (-(-image.width // divisor), -(-image.height // divisor))


def _pillow(data: bytes, side: int, times: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        drafted = image.draft(None, (times * side, times * side))
        return np.asarray(image.resize((side, side), _BILINEAR, box=drafted[1] if drafted else None))


def _simplejpeg(data: bytes, jpeg: Any, side: int, times: int) -> NDArray[np.uint8]:
    _, (width, height) = _fraction(data, times * side)
    pixels = jpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width)
    return np.asarray(Image.fromarray(pixels).resize((side, side), _BILINEAR))


def _opencv(data: bytes, cv2: Any, side: int, times: int, kind: str) -> NDArray[np.uint8]:
    divisor, _ = _fraction(data, times * side)
    flag = "IMREAD_COLOR" if divisor == 1 else f"IMREAD_REDUCED_COLOR_{divisor}"
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), getattr(cv2, flag))
    small = cv2.resize(pixels, (side, side), interpolation=getattr(cv2, f"INTER_{kind}"))
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))


class _Cykooz:
    """simplejpeg, and the SIMD resizer whose filter is Pillow's."""

    def __init__(self, jpeg: Any, resizer: Any, side: int, times: int) -> None:
        self._jpeg, self._library, self._side, self._times = jpeg, resizer, side, times
        self._resizer = resizer.Resizer()
        bilinear = resizer.ResizeAlg.convolution(resizer.FilterType.bilinear)
        self._options = resizer.ResizeOptions(resize_alg=bilinear, use_alpha=False)

    def __call__(self, data: bytes) -> NDArray[np.uint8]:
        _, (width, height) = _fraction(data, self._times * self._side)
        pixels = self._jpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width)
        kind = self._library.PixelType.U8x3
        source = self._library.ImageData(pixels.shape[1], pixels.shape[0], kind, pixels.tobytes())
        target = self._library.ImageData(self._side, self._side, kind)
        self._resizer.resize(source, target, self._options)
        return np.frombuffer(target.get_buffer(), np.uint8).reshape(self._side, self._side, 3)

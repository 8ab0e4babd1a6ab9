"""How much memory decoding a picture takes at most, from its first bytes."""

from typing import Final

from smserve.images.header import ImageHeader
from smserve.images.reduction import jpeg_reduction
from smserve.images.resize import ResizeRule

__all__ = ["decoding_bytes"]

_PER_PIXEL: Final = 12
"""Of a JPEG: Pillow keeps RGB in 4 bytes; turning upright, CMYK and thumbnails take copies."""
_PER_PIXEL_WITH_ALPHA: Final = 20  # of the others: as above, and the copies that compositing on white takes

_PER_COEFFICIENT: Final = 2
_MOST_COMPONENTS: Final = 4
_BLOCK: Final = 8  # pixels, each way
_START_OF_SCAN: Final = 0xDA
_PROGRESSIVE: Final = {0xC2, 0xC6, 0xCA, 0xCE}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # those three are tables
_WITHOUT_LENGTH: Final = {0x01, *range(0xD0, 0xD8)}


def decoding_bytes(data: bytes, header: ImageHeader, rule: ResizeRule) -> int:
    """Return the most that decoding and resizing an encoded picture by a rule takes, beside its own bytes."""
    if header.format != "JPEG":
        return header.width * header.height * _PER_PIXEL_WITH_ALPHA
    reduction = jpeg_reduction(rule, header.width, header.height)
    pixels = -(-header.width // reduction) * -(-header.height // reduction)
    if reduction == 1:
        return pixels * _PER_PIXEL  # coefficients are gone before the copies come
    return pixels * _PER_PIXEL + _coefficient_bytes(data, header)


def _coefficient_bytes(data: bytes, header: ImageHeader) -> int:
    """Return what libjpeg keeps of a JPEG until its last scan: nothing if the first one is the only one.

    A progressive picture comes in many scans, and so may another: then the first lacks some components.
    """
    try:
        frame, sampling, scanned = _first_scan(data)
    except IndexError:  # Pillow has read this header, so this is not to be
        frame, sampling, scanned = 0, [(1, 1)] * _MOST_COMPONENTS, 0
    if frame not in _PROGRESSIVE and scanned == len(sampling):
        return 0
    across, down = max(across for across, _ in sampling), max(down for _, down in sampling)
    units = -(-header.width // (_BLOCK * across)) * -(-header.height // (_BLOCK * down))
    blocks = units * sum(across * down for across, down in sampling)
    return blocks * _BLOCK**2 * _PER_COEFFICIENT


def _first_scan(data: bytes) -> tuple[int, list[tuple[int, int]], int]:
    """Return a JPEG's kind of frame, each component's sampling across and down, and how many the first scan has.

    Raises:
        IndexError: It has none.
    """
    frame, sampling = 0, [(1, 1)] * _MOST_COMPONENTS
    at = 2
    while True:
        while data[at] == 0xFF:  # any number of them begins a marker
            at += 1
        marker, at = data[at], at + 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in _FRAMES:
            frame = marker
            sampling = [
                (max(1, data[at + 9 + 3 * number] >> 4), max(1, data[at + 9 + 3 * number] & 15))
                for number in range(data[at + 7])
            ]
        if marker == _START_OF_SCAN:
            return frame, sampling, data[at + 2]
        at += int.from_bytes(data[at : at + 2])

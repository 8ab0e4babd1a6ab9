"""Pictures that are wrong in every way that a file can be, and some that are only rare."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.hostile import huge_png
from tests.support.pictures import draw, encode

__all__ = ["large_pictures", "rare_pictures", "wrong_pictures"]

_HEADER: Final = 64  # bytes in which formats keep their sizes


@cache
def rare_pictures() -> dict[str, bytes]:
    """Return whole pictures of every kind: some are accepted, some are not, none is damaged."""
    image = draw("red", size=(160, 120))
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: a quarter turn
    deep = Image.fromarray(np.arange(160 * 120, dtype=np.uint16).reshape(120, 160))
    frames: dict[str, Any] = {"save_all": True, "append_images": [draw("blue", size=(160, 120))]}
    clear = image.convert("RGBA")
    clear.putalpha(90)
    return {
        "JPEG": encode(image, "JPEG"),
        "progressive JPEG": encode(image, "JPEG", progressive=True),
        "grey JPEG": encode(image.convert("L"), "JPEG"),
        "CMYK JPEG": encode(image.convert("CMYK"), "JPEG"),
        "turned JPEG": encode(image, "JPEG", exif=turned),
        "MPO": encode(image, "MPO", **frames),
        "PNG": encode(image),
        "PNG with alpha": encode(clear),
        "grey PNG with alpha": encode(clear.convert("LA")),
        "PNG with a palette": encode(image.convert("P")),
        "PNG of one bit": encode(image.convert("1")),
        "PNG of 16 bits": encode(deep),
        "PNG with much text": encode(image, pnginfo=_much_text()),
        "animated PNG": encode(image, **frames),
        "WebP": encode(image, "WebP"),
        "lossless WebP with alpha": encode(clear, "WebP", lossless=True),
        "animated WebP": encode(image, "WebP", **frames),
        "GIF": encode(image, "GIF"),
        "TIFF": encode(image, "TIFF"),
        "BMP": encode(image, "BMP"),
        "thin JPEG": encode(draw("red", size=(9000, 2)), "JPEG"),
    }


def wrong_pictures(count: int, random: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Yield so many pictures with their names: the rare ones, bombs and stumps first, then mutations of them."""
    whole = rare_pictures()
    first = {**whole, **_bombs(), **_stumps()}
    yield from list(first.items())[:count]
    names = list(whole)
    for _ in range(count - len(first)):
        name = names[random.integers(len(names))]
        yield f"mutated {name}", _mutated(whole[name], random)


def large_pictures() -> dict[str, bytes]:
    """Return sound pictures close to the limit of 50 megapixels; decoding each takes some hundred MB."""
    side = 6900
    plain = Image.new("RGB", (side, side), (90, 120, 30))
    return {
        "47 megapixels, JPEG": encode(plain, "JPEG", quality=30),
        "47 megapixels, CMYK JPEG": encode(plain.convert("CMYK"), "JPEG", quality=30),
        "47 megapixels, PNG with alpha": encode(Image.new("RGBA", (side, side), (90, 120, 30, 70)), compress_level=1),
    }


def _mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Return a picture after one to four blows."""
    for _ in range(int(random.integers(1, 5))):
        data = _BLOWS[int(random.integers(len(_BLOWS)))](data, random)
    return data


def _flip(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 20))):
        if changed:
            changed[random.integers(len(changed))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _strike_header(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        if changed:
            changed[random.integers(min(_HEADER, len(changed)))] = int(random.choice([0, 1, 127, 128, 255]))
    return bytes(changed)


def _cut(data: bytes, random: np.random.Generator) -> bytes:
    return data[: random.integers(len(data) + 1)]


def _leave_out(data: bytes, random: np.random.Generator) -> bytes:
    start, stop = _slice(data, random)
    return data[:start] + data[stop:]


def _repeat(data: bytes, random: np.random.Generator) -> bytes:
    start, stop = _slice(data, random)
    return data[:stop] + data[start:stop] * int(random.integers(1, 4)) + data[stop:]


def _insert(data: bytes, random: np.random.Generator) -> bytes:
    at, _ = _slice(data, random)
    return data[:at] + random.bytes(int(random.integers(1, 200))) + data[at:]


def _overwrite(data: bytes, random: np.random.Generator) -> bytes:
    start, stop = _slice(data, random)
    return data[:start] + bytes([int(random.integers(256))]) * (stop - start) + data[stop:]


_BLOWS: Final = (_flip, _strike_header, _cut, _leave_out, _repeat, _insert, _overwrite)


def _slice(data: bytes, random: np.random.Generator) -> tuple[int, int]:
    start = int(random.integers(len(data) + 1))
    return start, min(len(data), start + int(random.integers(1, 400)))


def _bombs() -> dict[str, bytes]:
    """Return small files that say that they are huge, or are."""
    most = 2**31 - 1
    return {
        "PNG of 170 megapixels": huge_png(),
        "PNG of 2 147 483 647 by 2 147 483 647": _png_saying(most, most),
        "PNG of 60 000 by 1": _png_saying(60_000, 1),
        "PNG of 0 by 0": _png_saying(0, 0),
        "PNG of 7 000 by 7 000 without pixels": _png_saying(7_000, 7_000),
        "JPEG of 65 500 by 65 500": _jpeg_saying(65_500, 65_500),
        "JPEG of 7 000 by 7 000 without pixels": _jpeg_saying(7_000, 7_000),
        "WebP of 16 384 by 16 384": _webp_saying(16_384, 16_384),
    }


def _stumps() -> dict[str, bytes]:
    return {
        "nothing": b"",
        "one byte": b"\xff",
        "start of a JPEG": b"\xff\xd8\xff",
        "start of a PNG": b"\x89PNG\r\n\x1a\n",
        "start of a WebP": b"RIFF\x10\0\0\0WEBP",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "text": b"not a picture " * 50,
        "zeros": bytes(100_000),
    }


def _png_saying(width: int, height: int) -> bytes:
    """Return a PNG with a header of any size and nearly no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def _jpeg_saying(width: int, height: int) -> bytes:
    data = encode(draw("red"), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def _webp_saying(width: int, height: int) -> bytes:
    clear = draw("red").convert("RGBA")
    clear.putalpha(90)
    data = encode(clear, "WebP")  # with alpha it has the extended header, with the size of the canvas
    at = data.index(b"VP8X") + 12
    return data[:at] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + data[at + 6 :]


def _much_text() -> PngInfo:
    info = PngInfo()
    info.add_text("note", "a" * 900_000, zip=True)
    return info

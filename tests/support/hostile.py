"""Pictures that try to break what reads them."""

import struct
import zlib

from tests.support.pictures import draw, encode


def huge_png(width: int = 13_000, height: int = 13_100) -> bytes:
    """A valid PNG of 170 megapixels, all black, in some ten thousand bytes; made row by row."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(1 + (width + 7) // 8)  # no filter, one bit a pixel
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def corrupt_png() -> bytes:
    """A PNG whose pixels are damaged; its header is fine."""
    data = bytearray(encode(draw("red")))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    return bytes(data)

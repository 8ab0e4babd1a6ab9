"""SQLite's write-ahead log, as bytes: sealed again where one part of it is damaged.

SQLite takes the first frame whose checksum is wrong for the end of the log. For a repair that is too strict: with all
checksums made anew the frames behind it are read, too, and what the damage did to a page shows in the rows' own
checksums; which page a frame is of is put right by the frame's. The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

import struct
from typing import Final

__all__ = ["sealed_again"]

_MAGIC: Final = 0x377F0682  # checksums of little-endian words
_VERSION: Final = 3007000
_HEADER: Final = 32
_FRAME_HEADER: Final = 24


def sealed_again(log: bytes, page_size: int) -> bytes:
    """Return a log of the same frames with all checksums right; empty where there is no whole frame.

    Args:
        log: A write-ahead log, in which header, salts, pages or checksums may be damaged.
        page_size: Of the database, in bytes.
    """
    size = _FRAME_HEADER + page_size
    frames = [log[start : start + size] for start in range(_HEADER, len(log) - size + 1, size)]
    if not frames:
        return b""
    salts = [frame[8:16] for frame in frames]
    salt = log[16:24] if log[16:24] in salts else salts[0]
    last = max(number for number, each in enumerate(salts) if each == salt)
    header = struct.pack(">4I", _MAGIC, _VERSION, page_size, 0) + salt
    sums = _checksum(header, (0, 0))
    parts = [header, struct.pack(">2I", *sums)]
    # What the log's own sums go on from: as it notes them or, where the note is what is damaged, as they are.
    starts = {struct.unpack(">2I", log[24:32]), _checksum(log[:24], (0, 0))}
    for frame in frames[: last + 1]:  # those behind are of the log before
        place, page, noted = frame[:8], frame[_FRAME_HEADER:], struct.unpack(">2I", frame[16:24])
        own = {_checksum(page, _checksum(place, start)) for start in starts}
        if noted in own:
            starts = {noted}
        else:
            if len(starts) == 1:  # all is well before it
                place = _mended(place, page, next(iter(starts)), noted)
            starts = {noted, *own}
        sums = _checksum(page, _checksum(place, sums))
        parts += [place, salt, struct.pack(">2I", *sums), page]
    return b"".join(parts)


def _mended(place: bytes, page: bytes, start: tuple[int, int], noted: tuple[int, ...]) -> bytes:
    """Return which page a frame is of, and how many there are, with the one bit flipped that its sums agree with."""
    number = int.from_bytes(place, "big")
    for bit in range(64):
        each = (number ^ (1 << bit)).to_bytes(8, "big")
        if _checksum(page, _checksum(each, start)) == noted:
            return each
    return place


def _checksum(data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"<{len(data) // 4}I", data)
    for number in range(0, len(words), 2):
        first = (first + words[number] + second) & 0xFFFFFFFF
        second = (second + words[number + 1] + first) & 0xFFFFFFFF
    return first, second

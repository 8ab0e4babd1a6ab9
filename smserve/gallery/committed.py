"""COMMITTED: the last acknowledged write, beside the database.

SQLite takes a damaged write-ahead log for a torn end and drops acknowledged rows in silence. This file, synced after
the commit and before the acknowledgement, makes such a loss visible. It holds what the gallery then held, counted and
summed, and the largest key given so far: were a key given twice, a generation would find one item under the name of
another.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from smserve.errors import GalleryDamaged
from smserve.gallery.contents import Contents
from smserve.gallery.durable import write_durably
from smserve.gallery.points import At, nowhere

__all__ = ["FILE_NAME", "Committed", "check_committed", "read_committed", "write_committed"]

FILE_NAME = "COMMITTED"

_WAY_OUT = "restore the gallery from a copy, or run `smserve index repair`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What was acknowledged.

    Attributes:
        sequence: The last write; 0 where nothing was written yet.
        last_key: The largest key ever given; 0 where that is not known (galleries of format 1).
        contents: What the gallery held; None where that was not noted yet.
    """

    sequence: int = 0
    last_key: int = 0
    contents: Contents | None = None


def write_committed(gallery: Path, committed: Committed, at: At = nowhere) -> None:
    """Record that all writes up to this one are acknowledged."""
    document: dict[str, int | str] = {
        "sequence": committed.sequence,
        "crc32": _checksum(committed.sequence),
        "last_key": committed.last_key,
        "last_key_crc32": _checksum(committed.sequence, committed.last_key),
    }
    if committed.contents is not None:
        document["contents"] = str(committed.contents)
    write_durably(gallery / FILE_NAME, json.dumps(document).encode(), at)


def read_committed(gallery: Path) -> Committed:
    """Return what was acknowledged.

    Raises:
        GalleryDamaged: The file can't be read or fails its checksum.
    """
    path = gallery / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        sequence, checksum = int(document["sequence"]), int(document["crc32"])
        last_key = int(document["last_key"]) if len(document) > 2 else 0
        contents = Contents.parse(str(document["contents"])) if len(document) > 4 else None
        sound = checksum == _checksum(sequence) and (
            len(document) == 2 or int(document["last_key_crc32"]) == _checksum(sequence, last_key)
        )
    except FileNotFoundError:
        return Committed()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryDamaged(f"{path} can't be read ({error!r}); {_WAY_OUT}") from None
    if not sound:
        raise GalleryDamaged(f"{path} fails its checksum; {_WAY_OUT}")
    return Committed(sequence=sequence, last_key=last_key, contents=contents)


def check_committed(gallery: Path, committed: Committed, last_sequence: int, contents: Contents | None = None) -> None:
    """Check that the records still hold every acknowledged write.

    Args:
        gallery: Its folder.
        committed: Read before the records were, which may have moved on since.
        last_sequence: What the records end at.
        contents: What they say that they hold.

    Raises:
        GalleryDamaged: They do not.
    """
    if last_sequence < committed.sequence:
        raise GalleryDamaged(
            f"gallery {gallery} has lost acknowledged writes: its records end at {last_sequence}, {committed.sequence} "
            f"was acknowledged; restore it from a copy, or see what is left with `smserve index verify`"
        )
    noted = committed.contents
    if noted is not None and noted.sequence == last_sequence and noted != contents:
        raise GalleryDamaged(
            f"gallery {gallery} does not hold what was acknowledged: its records say {contents}, {FILE_NAME} says "
            f"{noted}; restore it from a copy, or see what is left with `smserve index verify`"
        )


def _checksum(*numbers: int) -> int:
    return zlib.crc32(",".join(map(str, numbers)).encode())

"""COMMITTED: the last acknowledged write, beside the database.

SQLite takes a damaged write-ahead log for a torn end and drops acknowledged rows in silence. This file, synced after
the commit and before the acknowledgement, makes such a loss visible.
"""

import json
import zlib
from pathlib import Path

from smserve.errors import GalleryDamaged
from smserve.gallery.durable import write_durably

__all__ = ["FILE_NAME", "check_committed", "read_committed", "write_committed"]

FILE_NAME = "COMMITTED"


def write_committed(gallery: Path, sequence: int) -> None:
    """Record that all writes up to `sequence` are acknowledged."""
    document = {"sequence": sequence, "crc32": _checksum(sequence)}
    write_durably(gallery / FILE_NAME, json.dumps(document).encode())


def read_committed(gallery: Path) -> int:
    """Return the last acknowledged sequence; 0 where nothing was written yet.

    Raises:
        GalleryDamaged: The file can't be read or fails its checksum.
    """
    path = gallery / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        sequence, checksum = int(document["sequence"]), int(document["crc32"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryDamaged(f"{path} can't be read ({error!r}); restore the gallery, or build it again") from None
    if checksum != _checksum(sequence):
        raise GalleryDamaged(f"{path} fails its checksum; restore the gallery, or build it again")
    return sequence


def check_committed(gallery: Path, acknowledged: int, last_sequence: int) -> None:
    """Check that the records still hold every acknowledged write.

    Args:
        gallery: Its folder.
        acknowledged: `read_committed`, read before the records were.
        last_sequence: What the records end at.

    Raises:
        GalleryDamaged: They do not.
    """
    if last_sequence < acknowledged:
        raise GalleryDamaged(
            f"gallery {gallery} has lost acknowledged writes: its records end at {last_sequence}, {acknowledged} was "
            f"acknowledged; restore it from a copy, or build it again"
        )


def _checksum(sequence: int) -> int:
    return zlib.crc32(str(sequence).encode())

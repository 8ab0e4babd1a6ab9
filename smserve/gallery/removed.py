"""Rows that are gone: so that masking a generation costs what was removed since, not a look at every row."""

import zlib
from collections.abc import Iterable
from typing import Final

import numpy as np

from smserve.errors import GalleryDamaged
from smserve.gallery.bitmap import Positions
from smserve.gallery.condition import Query
from smserve.gallery.database import Execute

__all__ = ["forget_removed", "note_removed", "removed_after"]

_NAME: Final = "removed_after"  # in meta: the table knows what was removed after this write, and no more


def note_removed(execute: Execute, keys: Iterable[int], sequence: int) -> None:
    """Note that a write removed rows, inside its transaction."""
    for key in keys:
        execute("INSERT INTO removed VALUES (?, ?, ?)", (sequence, key, _checksum(sequence, key)))


def removed_after(query: Query, sequence: int) -> Positions | None:
    """Return the keys of the rows that were removed after a write; None where that is not known any more.

    Raises:
        GalleryDamaged: A note fails its checksum.
    """
    known = [value for (value,) in query("SELECT value FROM meta WHERE name = ?", (_NAME,))]
    if not known or not str(known[0]).isdecimal() or sequence < int(known[0]):
        return None  # a gallery of format 1 that no writer has opened since, or a generation that is too old
    keys = []
    for noted, key, checksum in query("SELECT sequence, key, checksum FROM removed WHERE sequence > ?", (sequence,)):
        if checksum != _checksum(noted, key):
            raise GalleryDamaged(
                f"the note that row {key} was removed fails its checksum; restore the gallery from a copy, or build it "
                f"again"
            )
        keys.append(key)
    return np.array(keys, np.int64)


def forget_removed(execute: Execute, sequence: int) -> None:
    """Forget what was removed up to a write: no generation that needs it is left."""
    execute("DELETE FROM removed WHERE sequence <= ?", (sequence,))
    execute("UPDATE meta SET value = ? WHERE name = ? AND CAST(value AS INTEGER) < ?", (str(sequence), _NAME, sequence))


def _checksum(sequence: int, key: int) -> int:
    return zlib.crc32(f"{sequence},{key}".encode())

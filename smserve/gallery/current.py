"""CURRENT: which generation is in use, and which was before; written in one step."""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.durable import write_durably
from smserve.gallery.points import At, nowhere

__all__ = ["FILE_NAME", "Current", "read_current", "write_current"]

FILE_NAME: Final = "CURRENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The generation in use.

    Attributes:
        generation: Its number.
        manifest_sha256: Of its manifest.
        previous: Number of the one in use before, which is kept for going back; 0 for none, or where that is not known
            (galleries of format 1).
        held: It was gone back to: no compaction is to start by itself.
    """

    generation: int
    manifest_sha256: str
    previous: int = 0
    held: bool = False


def write_current(gallery: Path, current: Current, at: At = nowhere) -> None:
    """Switch to a generation."""
    fields = asdict(current)
    document = {**fields, "crc32": _checksum(fields)}
    write_durably(gallery / FILE_NAME, json.dumps(document).encode(), at)


def read_current(gallery: Path) -> Current | None:
    """Return the generation in use; None where nothing was published.

    Raises:
        GalleryDamaged: The file can't be read or fails its checksum.
    """
    path = gallery / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        if set(document) == {"generation", "manifest_sha256"}:  # format 1: the manifest's checksum vouches for both
            return Current(generation=int(document["generation"]), manifest_sha256=str(document["manifest_sha256"]))
        checksum = document.pop("crc32")
        current = Current(**document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryDamaged(f"{path} can't be read ({error!r})") from None
    if checksum != _checksum(asdict(current)):
        raise GalleryDamaged(f"{path} fails its checksum")
    return current


def _checksum(fields: dict[str, object]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())

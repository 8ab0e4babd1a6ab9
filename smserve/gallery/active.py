"""ACTIVE: which model's vectors a gallery is searched with, when it holds those of more than one; written in one step.

A gallery made by one model has no such file, and lies in its own folder. Another model is staged as a whole gallery
beside it, models/<fingerprint>/, with records, COMMITTED, generations and CURRENT of its own, so that vectors of two
models never meet in one file. Activating it replaces ACTIVE, and nothing else.
"""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.durable import write_durably
from smserve.gallery.points import At, nowhere

__all__ = ["FILE_NAME", "FOLDER", "OWN", "Active", "active_folder", "read_active", "write_active"]

FILE_NAME: Final = "ACTIVE"
FOLDER: Final = "models"

OWN: Final = "."
"""The gallery's own folder, where its first model lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """The model in use.

    Attributes:
        folder: Where its gallery lies, relative to the gallery's folder; "." for that itself.
        previous: The same of the model in use before; empty where none is kept.
        sequence: Of the last write that both hold; what was written since is not in `previous`.
    """

    folder: str = OWN
    previous: str = ""
    sequence: int = 0


def active_folder(gallery: Path) -> Path:
    """Return the folder whose records and generations are in use; `gallery` itself until another model is activated.

    Raises:
        GalleryDamaged: ACTIVE is damaged, or is gone: then which model is in use is not known.
    """
    folder = read_active(gallery).folder
    return gallery if folder == OWN else gallery / folder


def read_active(gallery: Path) -> Active:
    """Return which model is in use.

    Raises:
        GalleryDamaged: The file can't be read, fails its checksum, or is gone though there are staged models.
    """
    path = gallery / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        checksum = document.pop("crc32")
        active = Active(**document)
    except (FileNotFoundError, NotADirectoryError):
        if (gallery / FOLDER).is_dir():
            raise GalleryDamaged(
                f"{path} is gone, so which of the gallery's models is in use is not known; restore that file, or the "
                f"gallery from a snapshot"
            ) from None
        return Active()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"can't be read ({error!r})") from None
    if checksum != _checksum(asdict(active)):
        raise _damaged(path, "fails its checksum")
    return active


def write_active(gallery: Path, active: Active, at: At = nowhere) -> None:
    """Switch to a model.

    Raises:
        SmserveError: The file can't be written; the model in use stays.
    """
    fields = asdict(active)
    write_durably(gallery / FILE_NAME, json.dumps({**fields, "crc32": _checksum(fields)}).encode(), at)


def _damaged(path: Path, what: str) -> GalleryDamaged:
    return GalleryDamaged(
        f"{path} {what}, so which of the gallery's models is in use is not known; restore that file, or the gallery "
        f"from a snapshot"
    )


def _checksum(fields: dict[str, object]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())

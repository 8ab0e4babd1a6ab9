"""STAGED: which model is being staged, and how far it is."""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.active import Active
from smserve.gallery.durable import write_durably

__all__ = ["FILE_NAME", "Staged", "not_in_use", "read_staged", "write_staged"]

FILE_NAME: Final = "STAGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A model that is not in use yet.

    Attributes:
        folder: Where its gallery lies, relative to the gallery's folder, as in `Active`.
        model_fingerprint: sha256 of its file.
        model: Path of its file, as it was given.
        source_folder: Of the model in use that it follows.
        source_sequence: It holds every write to that one up to here; -1 until it was level once.
        sequence: Its own last write then.
    """

    folder: str
    model_fingerprint: str
    model: str
    source_folder: str
    source_sequence: int = -1
    sequence: int = -1

    @property
    def is_level(self) -> bool:
        """Whether it held, at some time, everything that the model in use did."""
        return self.source_sequence >= 0


def write_staged(gallery: Path, staged: Staged) -> None:
    """Note it, in one step."""
    fields = asdict(staged)
    document = {**fields, "crc32": _checksum(fields)}
    write_durably(gallery / FILE_NAME, json.dumps(document, ensure_ascii=False).encode(errors="surrogateescape"))


def read_staged(gallery: Path) -> Staged | None:
    """Return what is staged; None for nothing.

    Raises:
        GalleryDamaged: The file can't be read or fails its checksum.
    """
    path = gallery / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        checksum = document.pop("crc32")
        staged = Staged(**document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryDamaged(
            f"{path} can't be read ({error!r}); remove it and stage the model again: what is embedded already is kept"
        ) from None
    if checksum != _checksum(asdict(staged)):
        raise GalleryDamaged(
            f"{path} fails its checksum; remove it and stage the model again: what is embedded already is kept"
        )
    return staged


def not_in_use(staged: Staged | None, active: Active) -> Staged | None:
    """Return what is staged, None where it is in use: the process that activated it ended before it tidied up."""
    return None if staged is None or staged.folder == active.folder else staged


def _checksum(fields: dict[str, object]) -> int:
    return zlib.crc32(json.dumps(fields, sort_keys=True).encode())

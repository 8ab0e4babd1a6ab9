"""What a snapshot says about itself: the first part of the file.

A snapshot is a tar file, readable by any tar: SNAPSHOT.json, then the parts that it lists with their sizes and
checksums, named as they lie in a gallery's folder.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from smserve.errors import GalleryDamaged

__all__ = ["DOCUMENT", "Part", "SnapshotInfo", "document_bytes", "parse_document"]

DOCUMENT: Final = "SNAPSHOT.json"
FORMAT_VERSION: Final = 1
LONGEST_DOCUMENT: Final = 1 << 20

_NAMES: Final = re.compile(
    r"gallery\.sqlite|COMMITTED|CURRENT|index-choice\.json|build-report\.json"
    r"|generations/\d{6,}/(vectors\.f32|keys\.i64|index\.faiss|manifest\.json)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of the gallery.

    Attributes:
        size: Bytes.
        sha256: Of them.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """What a snapshot holds.

    Attributes:
        model_fingerprint: Of the model that made the vectors.
        dimension: D.
        item_count: Items.
        last_sequence: It holds what was written up to here.
        generation: Its number; 0 where the gallery had no sound one, and one is made when it is restored.
        parts: Name, as in the gallery's folder -> what it is.
    """

    model_fingerprint: str
    dimension: int
    item_count: int
    last_sequence: int
    generation: int
    parts: Mapping[str, Part]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts.values())


def document_bytes(info: SnapshotInfo) -> bytes:
    """Return the part that describes the others."""
    fields = {"format_version": FORMAT_VERSION, **asdict(info)}
    return json.dumps({**fields, "checksum": _checksum(fields)}, indent=1, sort_keys=True).encode()


def parse_document(snapshot: str, data: bytes) -> SnapshotInfo:
    """Read what `document_bytes` wrote.

    Raises:
        GalleryDamaged: It fails its checksum, is of a newer version, or lists what is no part of a gallery.
    """
    try:
        fields = json.loads(data)
        checksum = fields.pop("checksum")
        if checksum != _checksum(fields):
            raise ValueError("it fails its checksum")
        version = fields.pop("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(f"it is of format {version}, this smserve reads {FORMAT_VERSION}")
        parts = {name: Part(**part) for name, part in fields.pop("parts").items()}
        strange = [name for name in parts if not _NAMES.fullmatch(name)]
        if strange:
            raise ValueError(f"{strange[0]!r} is no part of a gallery")
        return SnapshotInfo(parts=parts, **fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryDamaged(
            f"part {DOCUMENT} of snapshot {snapshot} can't be used ({error}); take another copy of the snapshot"
        ) from None


def _checksum(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

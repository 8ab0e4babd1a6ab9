"""index-choice.json: which index the next generation of a gallery gets, and why."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from smserve.errors import GalleryDamaged, InvalidInput, RecallTooLow
from smserve.gallery.durable import write_durably
from smserve.gallery.index import IndexChoice
from smserve.gallery.tuning.report import TuningReport

__all__ = ["FILE_NAME", "StoredChoice", "read_choice", "write_choice"]

FILE_NAME: Final = "index-choice.json"
_FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChoice:
    """What `smserve index tune` stored.

    Attributes:
        choice: The index.
        recall: The target that it was chosen for; each generation's index is held to it again.
        report: What was measured; JSON.
    """

    choice: IndexChoice
    recall: float
    report: dict[str, Any]


def write_choice(gallery: Path, report: TuningReport) -> None:
    """Store what a tuning chose, for the gallery's next generation.

    Args:
        gallery: The folder of the generations that it is for; see `smserve.gallery.active`.
        report: What was measured.

    Raises:
        RecallTooLow: It chose nothing.
        SmserveError: It can't be written; what was stored before stays.
    """
    if report.chosen is None:
        raise RecallTooLow(f"no index of gallery {gallery} reaches recall {report.limits.recall:g} within the limits")
    fields = {
        "format_version": _FORMAT_VERSION,
        "choice": report.chosen.choice.to_dict(),
        "recall": report.limits.recall,
        "report": report.to_dict(),
    }
    document = {**fields, "checksum": _checksum(fields)}
    write_durably(gallery / FILE_NAME, json.dumps(document, indent=1, sort_keys=True).encode())


def read_choice(gallery: Path) -> StoredChoice | None:
    """Return what was stored last; None where nothing was.

    Raises:
        GalleryDamaged: The file can't be read or fails its checksum.
    """
    path = gallery / FILE_NAME
    try:
        fields = json.loads(path.read_bytes())
        if fields.pop("checksum") != _checksum(fields) or fields["format_version"] != _FORMAT_VERSION:
            raise ValueError("checksum or format version are wrong")
        choice = IndexChoice.from_dict(fields["choice"])
        return StoredChoice(choice=choice, recall=float(fields["recall"]), report=dict(fields["report"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise GalleryDamaged(f"{path} can't be read ({error}); run `smserve index tune` again, or remove it") from None


def _checksum(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

"""What a file of items says about itself, in Parquet's own metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from smserve.errors import InvalidInput

__all__ = ["FORMAT_VERSION", "METADATA_KEY", "Header"]

FORMAT_VERSION: Final = 1
METADATA_KEY: Final = b"smserve.gallery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Whose vectors these are.

    Attributes:
        model_fingerprint: sha256 of the model file that made them.
        dimension: D.
        metric: "cosine".
        item_count: N; fewer rows mean that the file was cut.
        last_sequence: Of the last write to the gallery that they hold; 0 where a copy made the file.
    """

    model_fingerprint: str
    dimension: int
    metric: str
    item_count: int
    last_sequence: int
    format_version: int = FORMAT_VERSION

    def to_metadata(self) -> dict[bytes, bytes]:
        """Return the file's metadata."""
        return {METADATA_KEY: json.dumps(asdict(self), sort_keys=True).encode()}

    @classmethod
    def from_metadata(cls, file: str, metadata: Mapping[bytes, bytes]) -> "Header | None":
        """Read a file's metadata; None where another program wrote it.

        Raises:
            InvalidInput: It is of a newer version, or not as it was written.
        """
        if METADATA_KEY not in metadata:
            return None
        try:
            header = cls(**json.loads(metadata[METADATA_KEY]))
        except (ValueError, TypeError) as error:
            raise InvalidInput(
                f"the metadata of {file} can't be read ({error}); export it again", field="file"
            ) from None
        if header.format_version != FORMAT_VERSION or header.metric != "cosine":
            raise InvalidInput(
                f"{file} is of format {header.format_version}, metric {header.metric!r}; this smserve reads format "
                f"{FORMAT_VERSION}, metric 'cosine'",
                field="file",
            )
        return header

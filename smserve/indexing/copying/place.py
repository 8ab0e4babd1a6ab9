"""Where a copy comes from and goes to."""

from pathlib import Path
from typing import TypeGuard

from smserve.gallery.milvus import MilvusAddress

__all__ = ["Place", "is_item_file"]

Place = Path | MilvusAddress
"""A folder; a Parquet file, whose name ends in .parquet; or a collection of Milvus."""


def is_item_file(place: Place) -> TypeGuard[Path]:
    """Whether a place is a Parquet file, rather than a gallery."""
    return isinstance(place, Path) and place.suffix == ".parquet"

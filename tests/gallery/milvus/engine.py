"""Which Milvus the tests run on: an embedded one, or the server that SMSERVE_TEST_MILVUS=HOST:PORT names.

The server must be one that may be written to: collections of its default database are made, and left.
"""

import hashlib
import os
from pathlib import Path

from smserve.gallery.milvus import MilvusAddress

__all__ = ["milvus_at"]


def milvus_at(place: Path) -> MilvusAddress:
    """Return a gallery's address, the same for the same place."""
    server = os.environ.get("SMSERVE_TEST_MILVUS", "")
    if server:
        return MilvusAddress(name=f"t{hashlib.sha256(str(place).encode()).hexdigest()[:20]}", server=server)
    return MilvusAddress(name="gallery", file=place.with_suffix(".db"))

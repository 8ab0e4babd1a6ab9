"""The gallery in Milvus keeps the same contract as the one in a folder: on the embedded engine.

With SMSERVE_TEST_MILVUS=HOST:PORT the same tests run on that server, which must be one that may be written to.
"""

import hashlib
import os
from pathlib import Path

from smserve.gallery import GalleryReader, GalleryWriter
from smserve.gallery.milvus import MilvusAddress, MilvusGallery, MilvusReader, MilvusWriter
from tests.gallery.conftest import DIMENSION, MODEL
from tests.gallery.contract import GalleryContract


def address(place: Path) -> MilvusAddress:
    server = os.environ.get("SMSERVE_TEST_MILVUS", "")
    if server:
        return MilvusAddress(name=f"t{hashlib.sha256(str(place).encode()).hexdigest()[:20]}", server=server)
    return MilvusAddress(name="gallery", file=place.with_suffix(".db"))


class TestMilvus(GalleryContract):
    """Written by one connection, read by others."""

    def write(self, place: Path) -> GalleryWriter:
        return MilvusWriter.open(address(place), model_fingerprint=MODEL, dimension=DIMENSION)

    def read(self, place: Path) -> GalleryReader:
        return MilvusReader.open(address(place))


class TestMilvusLive(GalleryContract):
    """Written and read by galleries that do both."""

    def write(self, place: Path) -> GalleryWriter:
        writer = MilvusWriter.open(address(place), model_fingerprint=MODEL, dimension=DIMENSION)
        if not writer.generation:
            writer.publish()
        writer.close()
        return MilvusGallery.open(address(place))

    def read(self, place: Path) -> GalleryReader:
        return MilvusGallery.open(address(place))

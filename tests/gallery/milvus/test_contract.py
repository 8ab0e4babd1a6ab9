"""The gallery in Milvus keeps the same contract as the one in a folder; see `engine` for what it runs on."""

from pathlib import Path

from smserve.gallery import GalleryReader, GalleryWriter
from smserve.gallery.milvus import MilvusGallery, MilvusReader, MilvusWriter
from tests.gallery.conftest import DIMENSION, MODEL
from tests.gallery.contract import GalleryContract
from tests.gallery.milvus.engine import milvus_at


class TestMilvus(GalleryContract):
    """Written by one connection, read by others."""

    def write(self, place: Path) -> GalleryWriter:
        return MilvusWriter.open(milvus_at(place), model_fingerprint=MODEL, dimension=DIMENSION)

    def read(self, place: Path) -> GalleryReader:
        return MilvusReader.open(milvus_at(place))


class TestMilvusLive(GalleryContract):
    """Written and read by galleries that do both."""

    def write(self, place: Path) -> GalleryWriter:
        writer = MilvusWriter.open(milvus_at(place), model_fingerprint=MODEL, dimension=DIMENSION)
        if not writer.generation:
            writer.publish()
        writer.close()
        return MilvusGallery.open(milvus_at(place))

    def read(self, place: Path) -> GalleryReader:
        return MilvusGallery.open(milvus_at(place))

"""A gallery in Milvus, behind the same interfaces as the one in a folder. See docs/milvus.md."""

from smserve.gallery.milvus.address import MilvusAddress, is_milvus_address
from smserve.gallery.milvus.live import MilvusGallery
from smserve.gallery.milvus.reader import MilvusReader
from smserve.gallery.milvus.writer import MilvusWriter

__all__ = ["MilvusAddress", "MilvusGallery", "MilvusReader", "MilvusWriter", "is_milvus_address"]

"""A gallery from where it lies to another place: a folder, Milvus or a Parquet file, each way."""

from smserve.indexing.copying.copy import CopyProgress, CopyReport, copy_gallery
from smserve.indexing.copying.place import Place, is_item_file

__all__ = ["CopyProgress", "CopyReport", "Place", "copy_gallery", "is_item_file"]

"""Items of a gallery as a Parquet file, and back; needs the extra `parquet`."""

from smserve.gallery.interchange.exporting import ExportReport, export_gallery
from smserve.gallery.interchange.header import Header
from smserve.gallery.interchange.importing import ImportReport, import_items
from smserve.gallery.interchange.items import check_items, items_of, model_of
from smserve.gallery.interchange.parquet import ItemFile
from smserve.gallery.interchange.parts import PART_ROWS, ItemFileParts

__all__ = [
    "PART_ROWS",
    "ExportReport",
    "Header",
    "ImportReport",
    "ItemFile",
    "ItemFileParts",
    "check_items",
    "export_gallery",
    "import_items",
    "items_of",
    "model_of",
]

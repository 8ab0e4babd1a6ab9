"""Items of a gallery as a Parquet file, and back; needs the extra `parquet`."""

from smserve.gallery.interchange.exporting import ExportReport, export_gallery
from smserve.gallery.interchange.importing import ImportReport, import_items
from smserve.gallery.interchange.parquet import ItemFile

__all__ = ["ExportReport", "ImportReport", "ItemFile", "export_gallery", "import_items"]

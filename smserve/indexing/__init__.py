"""From folders and CSV files of pictures to a gallery."""

from smserve.indexing.build import REPORT_FILE, BuildProgress, build_gallery
from smserve.indexing.report import BuildReport, Unreadable
from smserve.indexing.sources import SourceItem, items_from_csv, pictures_in

__all__ = [
    "REPORT_FILE",
    "BuildProgress",
    "BuildReport",
    "SourceItem",
    "Unreadable",
    "build_gallery",
    "items_from_csv",
    "pictures_in",
]

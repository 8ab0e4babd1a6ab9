"""From folders and CSV files of pictures to a gallery."""

from smserve.indexing.adding import add_pictures
from smserve.indexing.build import REPORT_FILE, BuildProgress, build_gallery
from smserve.indexing.comparison import ComparedQuery, ModelComparison, compare_models
from smserve.indexing.copying import CopyProgress, CopyReport, Place, copy_gallery, is_item_file
from smserve.indexing.report import AddReport, BuildReport, Unreadable
from smserve.indexing.sources import SourceItem, items_from_csv, pictures_in
from smserve.indexing.staging import StageProgress, StageReport, stage_model, stage_with

__all__ = [
    "REPORT_FILE",
    "AddReport",
    "BuildProgress",
    "BuildReport",
    "ComparedQuery",
    "CopyProgress",
    "CopyReport",
    "ModelComparison",
    "Place",
    "SourceItem",
    "StageProgress",
    "StageReport",
    "Unreadable",
    "add_pictures",
    "build_gallery",
    "compare_models",
    "copy_gallery",
    "is_item_file",
    "items_from_csv",
    "pictures_in",
    "stage_model",
    "stage_with",
]

"""What users call: two classes that speak to a server, and raise `smserve.errors`."""

from smserve.client.adding import AddedPictures, PictureFailure, PictureFile, add_pictures
from smserve.client.async_client import AsyncClient
from smserve.client.client import Client
from smserve.client.evaluation import ClassRecall, LabelledQuery, QueryFailure, RecallReport, evaluate_recall
from smserve.client.out_of_gallery import OutOfGalleryReport, ThresholdRow, measure_out_of_gallery
from smserve.client.outcomes import WriteOutcome
from smserve.client.query import ItemId, Picture, Query
from smserve.client.tls import Tls

__all__ = [
    "AddedPictures",
    "AsyncClient",
    "ClassRecall",
    "Client",
    "ItemId",
    "LabelledQuery",
    "OutOfGalleryReport",
    "Picture",
    "PictureFailure",
    "PictureFile",
    "Query",
    "QueryFailure",
    "RecallReport",
    "ThresholdRow",
    "Tls",
    "WriteOutcome",
    "add_pictures",
    "evaluate_recall",
    "measure_out_of_gallery",
]

"""What users call: one class that speaks to a server and raises `smserve.errors`."""

from smserve.client.client import Client
from smserve.client.evaluation import LabelledQuery, QueryFailure, RecallReport, evaluate_recall
from smserve.client.query import ItemId, Picture, Query

__all__ = [
    "Client",
    "ItemId",
    "LabelledQuery",
    "Picture",
    "Query",
    "QueryFailure",
    "RecallReport",
    "evaluate_recall",
]

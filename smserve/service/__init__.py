"""The gRPC servicers: convert, call the engine, convert, and no more.

Errors leave as `smserve.errors`; `smserve.server` turns them into statuses at one place.
"""

from smserve.service.gallery import GalleryServicer
from smserve.service.retrieval import RetrievalServicer

__all__ = ["GalleryServicer", "RetrievalServicer"]

"""Items and their neighbours: truth in SQLite, speed in FAISS. See docs/gallery.md."""

from smserve.gallery.compaction import CompactionPolicy
from smserve.gallery.condition import Condition, Query
from smserve.gallery.durable import write_durably
from smserve.gallery.generation import is_finished
from smserve.gallery.interface import GalleryReader, GalleryWriter, GenerationAdmin, GenerationReader
from smserve.gallery.live import LiveGallery
from smserve.gallery.local import LocalGallery
from smserve.gallery.presence import Presence
from smserve.gallery.values import Counts, GenerationInfo, Neighbours, NewItem, Page, Source, Written
from smserve.gallery.writer import LocalGalleryWriter

__all__ = [
    "CompactionPolicy",
    "Condition",
    "Counts",
    "GalleryReader",
    "GalleryWriter",
    "GenerationAdmin",
    "GenerationInfo",
    "GenerationReader",
    "LiveGallery",
    "LocalGallery",
    "LocalGalleryWriter",
    "Neighbours",
    "NewItem",
    "Page",
    "Presence",
    "Query",
    "Source",
    "Written",
    "is_finished",
    "write_durably",
]

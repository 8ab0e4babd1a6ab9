"""Items and their neighbours: truth in SQLite, speed in FAISS. See docs/gallery.md."""

from smserve.gallery.durable import write_durably
from smserve.gallery.generation import is_finished
from smserve.gallery.interface import GalleryReader, GalleryWriter, Neighbours, NewItem, Source
from smserve.gallery.local import LocalGallery
from smserve.gallery.writer import LocalGalleryWriter

__all__ = [
    "GalleryReader",
    "GalleryWriter",
    "LocalGallery",
    "LocalGalleryWriter",
    "Neighbours",
    "NewItem",
    "Source",
    "is_finished",
    "write_durably",
]

"""The only part of smserve that touches FAISS: any of its indexes, by inner product of unit vectors."""

from smserve.gallery.index.choice import EXACT, IndexChoice
from smserve.gallery.index.exact import nearest_exactly
from smserve.gallery.index.threads import use_one_thread, using_threads
from smserve.gallery.index.vector_index import VectorIndex

__all__ = ["EXACT", "IndexChoice", "VectorIndex", "nearest_exactly", "use_one_thread", "using_threads"]

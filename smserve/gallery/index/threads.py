"""How many threads FAISS uses."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss

__all__ = ["using_threads"]


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let FAISS use so many threads for what the calling thread asks of it inside the block; others are left alone."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)  # of OpenMP, which keeps it by calling thread
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)

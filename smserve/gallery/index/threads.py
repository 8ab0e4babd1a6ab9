"""How many threads FAISS uses."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss

__all__ = ["use_one_thread", "using_threads"]


def use_one_thread() -> None:
    """Let FAISS use one thread for what the calling thread asks of it from now on; others are left alone."""
    faiss.omp_set_num_threads(1)  # of OpenMP, which keeps it by calling thread


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let FAISS use so many threads for what the calling thread asks of it inside the block; others are left alone."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)

"""Threads that answer calls: each computes alone, since other calls come at the same time.

A library's own threads would wait for a core that another call uses: an exact search of 200 vectors woke a second
thread for each query, and numpy's BLAS keeps its threads turning for milliseconds after each product.
"""

from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from smserve.gallery.index import use_one_thread

__all__ = ["call_threads", "use_few_threads"]


def call_threads(count: int, name: str) -> ThreadPoolExecutor:
    """Return a pool of so many threads, of which each searches alone."""
    return ThreadPoolExecutor(count, name, initializer=use_one_thread)


def use_few_threads() -> None:
    """Let numpy use one thread in this process from now on, whichever thread asks."""
    threadpool_limits(1, user_api="blas")

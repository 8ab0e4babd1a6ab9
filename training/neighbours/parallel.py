"""Independent pieces of work on all cores, each piece on one: threads that never wait for each other.

Inside a piece, torch would split each small step over its threads and wait for the slowest; on a shared machine that
waiting costs more than the steps.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import torch

from training.threads import map_in_threads

__all__ = ["in_order"]

_MOST_THREADS = 8  # each holds a tile of cosines

Item = TypeVar("Item")
Found = TypeVar("Found")


def in_order(work: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """Yield what `work` makes of each item, in their order; at most a few wait to be fetched.

    Takes as many threads as torch does on the CPU. With one, or few items, `work` runs here.
    """
    threads = torch.get_num_threads()
    workers = min(threads, _MOST_THREADS)
    if workers == 1 or len(items) < 2 * workers:
        yield from map(work, items)
        return
    # torch's count is each thread's own, but threads started later begin with what was set last: it is put back.
    alone = partial(torch.set_num_threads, 1)
    try:
        yield from map_in_threads(work, items, workers=workers, most_waiting=workers + 1, initializer=alone)
    finally:
        torch.set_num_threads(threads)

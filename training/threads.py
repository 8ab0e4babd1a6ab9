"""Many jobs on all cores, in order and without holding more than a few results."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["map_in_threads"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_threads(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int | None = None,
    most_waiting: int | None = None,
    initializer: Callable[[], object] | None = None,
) -> Generator[_Result, None, None]:
    """Yield `function(item)` of each item, in order.

    Args:
        function: Run in threads; what it raises is raised here.
        items: Drawn as they are needed, where an executor's own `map` would draw all of them at once.
        workers: Threads; by default as many as there are cores.
        most_waiting: Results that may wait to be taken; by default four times the threads.
        initializer: Called once in each thread.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[_Result]] = deque()
    threads = ThreadPoolExecutor(max_workers=workers, initializer=initializer)
    try:
        for item in items:
            waiting.append(threads.submit(function, item))
            if len(waiting) >= (most_waiting or 4 * workers):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)

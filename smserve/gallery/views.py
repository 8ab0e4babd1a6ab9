"""The view in use: replaced in one step, pinned by each search that runs on it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from smserve.gallery.view import View

__all__ = ["Views"]


class Views:
    """Safe to use from many threads; replacing it is for one at a time."""

    def __init__(self, view: View, on_unused: Callable[[int], None]) -> None:
        """Begin with a view.

        Args:
            view: The first.
            on_unused: Called with the number of a generation once it is no longer current and no search uses it.
        """
        self._view = view
        self._on_unused: Final = on_unused
        self._pins: Final[Counter[int]] = Counter()  # by generation
        self._lock: Final = threading.Lock()

    @property
    def current(self) -> View:
        """The view that the next search gets."""
        return self._view

    @contextmanager
    def pin(self) -> Iterator[View]:
        """Keep a view's generation while the block runs."""
        with self._lock:
            view = self._view
            self._pins[view.number] += 1
        try:
            yield view
        finally:
            number = view.number
            del view
            self._let_go(number)

    def replace(self, view: View) -> None:
        """Let the next search see another view."""
        with self._lock:
            before, self._view = self._view.number, view
            unused = before != view.number and not self._pins[before]
        if unused:
            self._on_unused(before)

    def in_use(self) -> set[int]:
        """Return the numbers of the generations that are current or pinned."""
        with self._lock:
            return {self._view.number, *(number for number, pins in self._pins.items() if pins)}

    def _let_go(self, number: int) -> None:
        with self._lock:
            self._pins[number] -= 1
            unused = not self._pins[number] and number != self._view.number
            if not self._pins[number]:
                del self._pins[number]
        if unused:
            self._on_unused(number)

"""Cut many elements into calls that fit: pictures, queries, items, ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from smserve.client.limits import Limits

__all__ = ["Chunks", "chunked"]

_Element = TypeVar("_Element")


class Chunks(Generic[_Element]):
    """Holds what goes into the next call; never more than one call may carry."""

    def __init__(self, limits: Limits, *, most: int) -> None:
        """Begin with nothing.

        Args:
            limits: Of bytes and pictures.
            most: Elements of one call.
        """
        self._limits = limits
        self._most = most
        self._held: list[_Element] = []
        self._bytes = self._images = 0

    def add(self, element: _Element, *, size: int, has_image: bool) -> list[_Element]:
        """Take one more; returns what has to be sent before it, which is nothing while all fits together.

        One that is too large for any call gets a call of its own: the server says what is wrong with it.
        """
        size = Limits.size_of(size)
        full: list[_Element] = []
        if self._held and (
            len(self._held) == self._most
            or self._bytes + size > self._limits.max_bytes
            or self._images + has_image > self._limits.max_images
        ):
            full = self.rest()
        self._held.append(element)
        self._bytes += size
        self._images += has_image
        return full

    def rest(self) -> list[_Element]:
        """Return what is held, and hold nothing."""
        rest, self._held = self._held, []
        self._bytes = self._images = 0
        return rest


def chunked(elements: Iterable[tuple[_Element, int, bool]], limits: Limits, *, most: int) -> Iterator[list[_Element]]:
    """Group elements, each given with its size in bytes and whether it holds a picture."""
    chunks: Chunks[_Element] = Chunks(limits, most=most)
    for element, size, has_image in elements:
        full = chunks.add(element, size=size, has_image=has_image)
        if full:
            yield full
    rest = chunks.rest()
    if rest:
        yield rest

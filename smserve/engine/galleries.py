"""The catalogue: which galleries are served, under which names, handed out as leases.

A lease keeps a gallery, and the model that belongs to it, open to its end, whatever happens to the name meanwhile: when
the gallery is given another model, or is dropped, calls that have begun end with what they began with, and the last
one closes it.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.slots import Slot
from smserve.errors import GalleryExists, GalleryNotFound
from smserve.gallery.interface import GalleryWriter
from smserve.types import GalleryInfo

__all__ = ["Galleries"]

_POLL_S: Final = 0.1  # how soon who waits notices that the answer is no longer wanted


class Galleries:
    """Owns what it serves, and closes it; safe to use from many threads. An empty name means the default gallery."""

    def __init__(self, galleries: Iterable[ServedGallery] = (), aliases: Mapping[str, str] | None = None) -> None:
        """Serve galleries; the first is the default, and so is the first one added where there is none."""
        self._slots: Final[dict[str, Slot]] = {}
        self._default = ""
        self._aliases = dict(aliases or {})
        self._changed = threading.Condition()
        for served in galleries:
            self.add(served)

    def add(self, served: ServedGallery) -> None:
        """Serve one more.

        Raises:
            GalleryExists: A gallery or an alias has its name.
        """
        with self._changed:
            self._check_free(served.name)
            self._slots[served.name] = Slot(served, self._changed)
            self._default = self._default or served.name

    def check_free(self, name: str) -> None:
        """Check that nothing is called so.

        Raises:
            GalleryExists: A gallery or an alias is.
        """
        with self._changed:
            self._check_free(name)

    @property
    def has_default(self) -> bool:
        """Whether an empty name means a gallery."""
        with self._changed:
            return bool(self._default)

    def forget(self, name: str) -> None:
        """Give the name of a gallery that was dropped free."""
        with self._changed:
            self._slots.pop(name, None)

    def is_dropped(self, name: str) -> bool:
        """Whether a gallery is served no longer."""
        with self._changed:
            return name not in self._slots or self._slots[name].is_dropped

    def info(self, name: str) -> tuple[GalleryInfo, Origin]:
        """Describe a gallery.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        with self.lease(name) as served:
            info = served.info(tuple(sorted(alias for alias, to in self.aliases().items() if to == served.name)))
            return info, served.origin(info.generation)

    @contextmanager
    def lease(self, name: str) -> Iterator[ServedGallery]:
        """Hold a gallery, by its name or an alias, and its model inside the block.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        with self._changed:
            slot = self._slot(name)
            holding = slot.begin()
        try:
            yield holding.served
        finally:
            slot.end(holding)

    @contextmanager
    def writing(
        self, name: str, still_wanted: StillWanted = always_wanted
    ) -> Iterator[tuple[ServedGallery, GalleryWriter]]:
        """Hold a gallery for a write inside the block; its model stays in use until then.

        Args:
            name: Its name, or an alias.
            still_wanted: Called while writes are held back; what it raises ends the wait.

        Raises:
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It was opened for reading.
        """
        with self._changed:
            slot = self._slot(name)
        slot.served.writer()  # refused before it waits
        with slot.gate.passing(still_wanted), self.lease(slot.name) as served:
            yield served, served.writer()

    @contextmanager
    def administering(self, name: str, still_wanted: StillWanted = always_wanted) -> Iterator[Slot]:
        """Be the only one who changes a gallery's model, or drops it, inside the block.

        Raises:
            GalleryNotFound: No such gallery is served, any more.
        """
        with self._changed:
            slot = self._slot(name)
        while not slot.administering.acquire(timeout=_POLL_S):
            still_wanted()
        try:
            with self._changed:
                self._slot(slot.name)  # it may have been dropped meanwhile
            yield slot
        finally:
            slot.administering.release()

    def aliases(self) -> dict[str, str]:
        """Return the further names, each with the gallery that it leads to."""
        with self._changed:
            return dict(self._aliases)

    def set_aliases(self, aliases: Mapping[str, str]) -> None:
        """Let these be the further names from now on, in one step."""
        with self._changed:
            self._aliases = dict(aliases)

    def infos(self) -> tuple[GalleryInfo, ...]:
        """Describe them; the first is the default, unless that was dropped."""
        with self._changed:
            names = [name for name, slot in self._slots.items() if not slot.is_dropped]
        infos = []
        for name in names:
            with suppress(GalleryNotFound):  # dropped meanwhile
                infos.append(self.info(name)[0])
        return tuple(infos)

    def close(self) -> None:
        """Close them, in use or not; calling it twice is harmless."""
        with self._changed:
            slots = list(self._slots.values())
        for slot in slots:
            slot.close()

    def _slot(self, name: str) -> Slot:
        """Return what stands behind a name; the lock is held."""
        if not self._default:
            raise GalleryNotFound("this server serves no gallery; start it with --gallery DIR or --galleries DIR")
        name = self._aliases.get(name, name) or self._default
        slot = self._slots.get(name)
        if slot is None or slot.is_dropped:
            served = ", ".join(repr(each) for each, its in self._slots.items() if not its.is_dropped)
            raise GalleryNotFound(f"there is no gallery {name!r} here; galleries served: {served}")
        return slot

    def _check_free(self, name: str) -> None:
        if name in self._slots:
            what = "is being dropped" if self._slots[name].is_dropped else "is served"
            raise GalleryExists(f"a gallery {name!r} {what} here; choose another name, or drop that one first")
        if name in self._aliases:
            raise GalleryExists(
                f"{name!r} is an alias of gallery {self._aliases[name]!r}; choose another name, or delete the alias"
            )

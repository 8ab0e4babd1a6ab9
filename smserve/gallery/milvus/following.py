"""Where a gallery's name leads: an alias of Milvus may be pointed elsewhere while the gallery is searched."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Final

from smserve.errors import ModelMismatch, SmserveError
from smserve.gallery.milvus.connection import Connection
from smserve.gallery.milvus.log import Log, State
from smserve.gallery.milvus.schema import Collections, collection_behind, open_collections

__all__ = ["Followed", "Snapshot"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one question is answered from: a collection in one state."""

    collections: Collections
    state: State


class Followed:
    """The collections behind an address; safe to use from many threads."""

    def __init__(self, connection: Connection, collections: Collections, *, follow_s: float) -> None:
        """Follow an address that leads to these collections.

        Args:
            connection: To the address.
            collections: Where it leads at first.
            follow_s: Another place is noticed within so many seconds.
        """
        self._connection: Final = connection
        self._follow_s: Final = follow_s
        self._following: Final = threading.Lock()
        self._collections = collections
        self._looked_at = time.monotonic()
        self._said = ""

    def collections(self) -> Collections:
        """Return what is to be searched: where the address leads, or where it led while the new place is not fit."""
        with self._following:
            if time.monotonic() - self._looked_at < self._follow_s:
                return self._collections
            try:
                self._follow()
                self._said = ""
            except SmserveError as error:
                if error.message != self._said:  # once, not every second
                    self._said = error.message
                    _log.error("the gallery is searched as it was: %s", error.message)
            return self._collections

    def now(self) -> Collections:
        """Return where the address leads.

        Raises:
            ModelMismatch: To the vectors of another model.
            SmserveError: To no gallery.
        """
        with self._following:
            self._follow()
            return self._collections

    def _follow(self) -> None:
        self._looked_at = time.monotonic()
        if collection_behind(self._connection) == self._collections.items:
            return
        found, before = open_collections(self._connection), self._collections
        if (found.model_fingerprint, found.dimension) != (before.model_fingerprint, before.dimension):
            raise ModelMismatch(
                f"gallery {self._connection.address} leads to collection {found.items} now, which is of model "
                f"{found.model_fingerprint}, and was opened with model {before.model_fingerprint}; open it again"
            )
        Log(self._connection, found.log).finished()
        self._collections = found

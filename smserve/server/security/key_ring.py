"""The API keys that a running server takes, as its file has them at the moment."""

from __future__ import annotations

import hmac
import logging
import threading
from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput
from smserve.server.security.key_file import read_keys
from smserve.server.security.keys import ApiKey, digest_of

__all__ = ["KeyRing"]

_log: Final = logging.getLogger(__name__)

_Signature = tuple[int, int, int, int]


class KeyRing:
    """Follows a file of keys; safe to use from many threads. A file that is damaged leaves the keys from before."""

    def __init__(self, file: Path) -> None:
        """Read the file.

        Raises:
            InvalidInput: It can't be read or is damaged.
        """
        self._file: Final = file
        self._reading: Final = threading.Lock()
        self._seen = self._signature()
        self._keys = read_keys(file)
        _log.info("%s in %s may call", _counted(self._keys), file)

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with that secret, expired or not; how long it takes tells nothing about the others."""
        digest = digest_of(secret)
        found = None
        for key in self._current():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _current(self) -> tuple[ApiKey, ...]:
        if self._signature() != self._seen:
            with self._reading:
                self._read_again()
        return self._keys

    def _read_again(self) -> None:
        signature = self._signature()  # before the file is read: what changes meanwhile is seen the next time
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self._keys = read_keys(self._file)
        except InvalidInput as error:
            _log.error("%s; the keys from before stay in use", error.message)
        else:
            _log.info("the keys have changed: %s in %s may call", _counted(self._keys), self._file)

    def _signature(self) -> _Signature | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _counted(keys: tuple[ApiKey, ...]) -> str:
    names = ", ".join(f"{key.name} ({key.scope.text}{', expired' if key.is_expired else ''})" for key in keys)
    return f"{len(keys)} API key{'' if len(keys) == 1 else 's'}{': ' if names else ''}{names}"

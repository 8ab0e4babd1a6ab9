"""One connection to Milvus: every call has a time-out, is repeated by pymilvus until then, and fails as ours."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from smserve.errors import Unavailable
from smserve.gallery.milvus.address import MilvusAddress
from smserve.gallery.milvus.credentials import Credentials
from smserve.gallery.milvus.embedded import embedded_engine, release_engine
from smserve.gallery.milvus.failures import translated_failures
from smserve.gallery.milvus.library import load_pymilvus

__all__ = ["Connection", "Entity"]

Entity = dict[str, Any]
"""A row as Milvus gives and takes it, by field."""

_TIMEOUT_S: Final = 30.0
_PAGE: Final = 1000


class Connection:
    """Calls to the database of an address, all at consistency Strong; safe to use from many threads."""

    def __init__(
        self, address: MilvusAddress, credentials: Credentials | None = None, *, timeout_s: float = _TIMEOUT_S
    ) -> None:
        """Connect.

        Args:
            address: The database, and the gallery that errors name.
            credentials: Those of the environment, by default.
            timeout_s: Longest time for one call, its repetitions included.

        Raises:
            SmserveError: The extra is not installed.
            Unavailable: Nobody answers.
            Unauthenticated: The token is wrong.
            InvalidInput: The credentials can't be read, or would be sent in the clear.
        """
        pymilvus = load_pymilvus()
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs tracebacks; what fails is told as our error
        credentials = credentials or Credentials.of_environment()
        credentials.check(address)
        self.address: Final = address
        self._timeout_s: Final = timeout_s
        self._failures: Final = translated_failures
        self._closing: Final = threading.Lock()
        self._closed = False
        if address.file is not None:
            uri = embedded_engine(address.file)
        else:
            uri = f"http{'s' if address.tls else ''}://{address.server}"
        options: dict[str, Any] = {"secure": address.tls}
        if credentials.authority is not None:
            options["server_pem_path"] = str(credentials.authority)
        try:
            with self._failures(address):
                self._client: Final = pymilvus.MilvusClient(
                    uri,
                    token=credentials.token if address.file is None else "",
                    db_name=address.database,
                    timeout=timeout_s,
                    dedicated=True,
                    **options,
                )
        except BaseException:
            if address.file is not None:
                release_engine(address.file)
            raise

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of `pymilvus.MilvusClient` by name.

        Raises:
            Unavailable: The connection was closed, or nobody answers.
            DeadlineExceeded: The answer did not come in time.
            SmserveError: Milvus refuses it.
        """
        if self._closed:
            raise Unavailable(f"gallery {self.address} was closed; open it again")
        with self._failures(self.address):
            return getattr(self._client, name)(*arguments, timeout=self._timeout_s, **named)

    def query(self, collection: str, filter: str, fields: Sequence[str]) -> list[Entity]:
        """Return the rows that match, in no order; for few."""
        return list(self.call("query", collection, filter=filter, output_fields=list(fields)))

    def count(self, collection: str, filter: str) -> int:
        """Return how many rows match."""
        return int(self.query(collection, filter, ["count(*)"])[0]["count(*)"])

    def rows(self, collection: str, filter: str, fields: Sequence[str], *, page: int = _PAGE) -> Iterator[Entity]:
        """Yield the rows that match, by rising primary key, so many in one answer."""
        pages = self.call("query_iterator", collection, batch_size=page, filter=filter, output_fields=list(fields))
        try:
            while True:
                with self._failures(self.address):
                    found = pages.next()
                if not found:
                    return
                yield from found
        finally:
            pages.close()

    def properties(self, collection: str) -> Mapping[str, str]:
        """Return what was noted of a collection when it was made."""
        return dict(self.call("describe_collection", collection).get("properties") or {})

    def close(self) -> None:
        """Disconnect; calling it twice is harmless."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._client.close()
        if self.address.file is not None:
            release_engine(self.address.file)

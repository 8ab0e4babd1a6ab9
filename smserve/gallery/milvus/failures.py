"""Milvus' errors as ours: no exception of pymilvus leaves this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from grpc import RpcError

from smserve.errors import (
    DeadlineExceeded,
    DiskFull,
    GalleryNotFound,
    Overloaded,
    PermissionDenied,
    SmserveError,
    Unauthenticated,
    Unavailable,
)
from smserve.gallery.milvus.library import load_pymilvus

__all__ = ["translated_failures"]


@contextmanager
def translated_failures(address: object) -> Iterator[None]:
    """Raise what fails inside the block as an error of ours that names the gallery."""
    try:
        yield
    except load_pymilvus().MilvusException as error:
        raise _translated(error.code, error.message, address) from None
    except RpcError as error:
        code: Any = getattr(error, "code", lambda: "")()
        raise _translated(code, str(getattr(error, "details", lambda: "")() or ""), address) from None


def _translated(code: Any, message: str, address: object) -> SmserveError:
    said = " ".join(message.split())[:500] or "no reason given"
    kind, text = _KINDS.get(getattr(code, "name", code), (SmserveError, "Milvus failed at gallery {address}: {said}"))
    return kind(text.format(address=address, said=said))


_UNREACHABLE: Final = (
    Unavailable,
    "gallery {address} can't be reached; start Milvus there, or check host, port and TLS",
)
_BUSY: Final = (Overloaded, "gallery {address} has too much to do: {said}")
_KINDS: Final[dict[Any, tuple[type[SmserveError], str]]] = {
    "UNAVAILABLE": _UNREACHABLE,
    "DEADLINE_EXCEEDED": (DeadlineExceeded, "gallery {address} did not answer in time; look at the server"),
    "UNAUTHENTICATED": (
        Unauthenticated,
        "gallery {address} does not know our token; put the right one into SMSERVE_MILVUS_TOKEN",
    ),
    "PERMISSION_DENIED": (PermissionDenied, "gallery {address} does not allow this to our token: {said}"),
    "RESOURCE_EXHAUSTED": _BUSY,
    # Milvus' own codes
    2: _UNREACHABLE,
    8: _BUSY,
    9: (DiskFull, "gallery {address} takes no writes, since a quota of Milvus is used up: {said}"),
    100: (GalleryNotFound, "there is no gallery {address}; make it with `smserve index build`"),
}
"""By status of gRPC, or by Milvus' code: what it is to us."""

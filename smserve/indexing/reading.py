"""Read pictures in parallel, in order, a few ahead of the model."""

import hashlib
import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.gallery import NewItem, Source
from smserve.images import ResizeRule, decode_for, fit, make_thumbnail
from smserve.indexing.report import Unreadable
from smserve.indexing.sources import SourceItem
from smserve.types import FloatArray

__all__ = [
    "UNREADABLE",
    "Decoder",
    "Embedded",
    "Outcome",
    "PictureReader",
    "Pixels",
    "Prepared",
    "Stored",
    "in_order",
    "read_picture",
    "reason_of",
    "unreadable",
]

UNREADABLE: Final = (InvalidImage, OSError, ValueError)
"""What reading and decoding raise for a picture that is to be left out; a ValueError comes of a zero byte in a path."""

_AHEAD: Final = 4  # pictures a worker that may wait for the model

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The same picture is in the gallery already."""

    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A picture ready for the model.

    Attributes:
        item: Where it comes from.
        sha256: Of its file.
        pixels: (H, W, 3) uint8.
        thumbnail: A small JPEG, or None.
    """

    item: SourceItem
    sha256: str
    pixels: NDArray[np.uint8]
    thumbnail: bytes | None

    def new_item(self, vector: FloatArray) -> NewItem:
        """Return it with its vector (D,), as a gallery takes it."""
        return self.item.embedded(vector, sha256=self.sha256, thumbnail=self.thumbnail)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedded:
    """A picture with its vector, as a gallery takes it.

    Attributes:
        sha256: Of its file.
    """

    sha256: str
    item: NewItem


Outcome = Prepared | Embedded | Stored | Unreadable
"""What became of a picture."""


class Pixels(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3) uint8, as the model takes it.
        thumbnail: A small JPEG, or None.
    """

    pixels: NDArray[np.uint8]
    thumbnail: bytes | None


class Decoder:
    """Decodes one picture at a time; safe to call from many threads."""

    def __init__(self, rule: ResizeRule, limits: ImageLimits, *, thumbnails: bool) -> None:
        self._rule: Final = rule
        self._limits: Final = limits
        self._thumbnails: Final = thumbnails

    def __call__(self, data: bytes) -> Pixels:
        """Return what an encoded picture shows.

        Raises:
            InvalidImage: It is no picture that smserve accepts.
        """
        picture = decode_for(data, self._rule, self._limits)
        return Pixels(fit(picture, self._rule), make_thumbnail(picture.image) if self._thumbnails else None)


class PictureReader:
    """Reads one picture at a time; safe to call from many threads."""

    def __init__(
        self, rule: ResizeRule, limits: ImageLimits, stored: Mapping[str, Source], *, thumbnails: bool
    ) -> None:
        self._decode: Final = Decoder(rule, limits, thumbnails=thumbnails)
        self._limits: Final = limits
        self._stored: Final = stored  # by item_id

    def __call__(self, item: SourceItem) -> Prepared | Stored | Unreadable:
        """Return what became of a picture."""
        try:
            data = read_picture(item.path, self._limits)
            sha256 = hashlib.sha256(data).hexdigest()
            wanted = Source(uri=item.uri, sha256=sha256, label=item.label, payload=item.payload)
            if self._stored.get(item.item_id) == wanted:
                return Stored(sha256=sha256)
            decoded = self._decode(data)
        except UNREADABLE as error:
            return unreadable(item, reason_of(error))
        return Prepared(item=item, sha256=sha256, pixels=decoded.pixels, thumbnail=decoded.thumbnail)


def read_picture(path: Path, limits: ImageLimits) -> bytes:
    """Return a file's bytes; it is looked at first, since a pipe would never end and a huge file fill the memory.

    Raises:
        InvalidImage: It is no regular file, or too large, or its path is not UTF-8.
        OSError: It can't be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InvalidImage("this is no regular file")
    if status.st_size > limits.max_bytes:
        raise InvalidImage(f"the file has {status.st_size:,} bytes, more than the limit of {limits.max_bytes:,}")
    if _printable(str(path)) != str(path):
        raise InvalidImage("its path is not UTF-8, so no gallery can hold it; rename it")
    return path.read_bytes()


def reason_of(error: Exception) -> str:
    """Return why a picture can't be read, in words, without naming it.

    Args:
        error: One of `UNREADABLE`.
    """
    if isinstance(error, InvalidImage):
        return error.message
    return getattr(error, "strerror", None) or str(error)


def unreadable(item: SourceItem, reason: str) -> Unreadable:
    """Return a picture that is left out, in words that can be written to the report."""
    return Unreadable(item_id=_printable(item.item_id), path=_printable(str(item.path)), reason=reason)


def _printable(text: str) -> str:
    """Return the text with what is not Unicode (file names in another encoding) as escapes."""
    return text.encode(errors="backslashreplace").decode()


def in_order(
    work: Callable[[_Item], _Outcome], items: Iterable[_Item], workers: int
) -> Generator[_Outcome, None, None]:
    """Yield the outcome of each item, in order; a few a worker are held at a time."""
    pending: deque[Future[_Outcome]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= _AHEAD * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

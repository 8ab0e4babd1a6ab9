"""What goes over a stream: elements become requests, answers become outcomes. Nothing here waits."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar, Unpack

from google.protobuf.message import Message

from smserve.client.calls.items import new_request_id
from smserve.client.calls.retrieval import search_outcome
from smserve.client.calls.searching import SearchSettings, StreamedQuery, search_request
from smserve.client.chunks import Chunks
from smserve.client.limits import Limits
from smserve.client.outcomes import WriteOutcome
from smserve.client.talk import GALLERY, RETRIEVAL
from smserve.errors import InvalidInput
from smserve.types import SearchOutcome, UpsertItem
from smserve.v1 import gallery_pb2, retrieval_pb2
from smserve.wire.search import request_to_proto
from smserve.wire.status import item_error_from_proto
from smserve.wire.writing import new_item_to_proto, written_from_proto

__all__ = ["DeletePlan", "Plan", "SearchPlan", "Send", "UpsertPlan"]

_Element = TypeVar("_Element")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Send:
    """A request that goes over the stream next."""

    message: Message


class Plan(abc.ABC, Generic[_Element, _Outcome]):
    """One stream from its first element to its end; `add` and `finish` run in one thread, `read` may in another."""

    service: ClassVar[str]
    method: ClassVar[str]

    @abc.abstractmethod
    def add(self, element: _Element) -> Iterator[Send | _Outcome]:
        """Yield what follows from one more element: requests, and outcomes of what can't even be sent."""

    @abc.abstractmethod
    def finish(self) -> Iterator[Send | _Outcome]:
        """Yield what is left after the last element."""

    @abc.abstractmethod
    def read(self, response: Any) -> _Outcome:
        """Return what an answer says."""


class SearchPlan(Plan[StreamedQuery, SearchOutcome]):
    """SearchStream: a request a query."""

    service = RETRIEVAL
    method = "SearchStream"

    def __init__(self, **settings: Unpack[SearchSettings]) -> None:
        self._settings: Final = settings
        self._count = 0

    def add(self, element: StreamedQuery) -> Iterator[Send | SearchOutcome]:
        """Yield the query's request."""
        sequence = self._count
        self._count += 1
        try:
            request = request_to_proto(search_request(element, **self._settings))
        except InvalidInput as error:
            yield SearchOutcome(sequence=sequence, error=error)
        else:
            yield Send(retrieval_pb2.SearchStreamRequest(sequence=sequence, request=request))

    def finish(self) -> Iterator[Send | SearchOutcome]:
        """Yield nothing."""
        return iter(())

    def read(self, response: retrieval_pb2.SearchStreamResponse) -> SearchOutcome:
        """Return the answer to one query."""
        return search_outcome(response.sequence, response)


class _WritePlan(Plan[_Element, WriteOutcome]):
    """Elements are grouped into writes; a write's sequence number is the place of its first element."""

    service = GALLERY

    def __init__(self, limits: Limits, *, request_id: str, batch_size: int | None) -> None:
        if batch_size is not None and batch_size < 1:
            raise InvalidInput(f"batch_size is {batch_size}; wanted at least 1", field="batch_size")
        self._request_id: Final = request_id
        self._held: Final[Chunks[Any]] = Chunks(limits, most=min(batch_size or limits.max_items, limits.max_items))
        self._taken = 0  # elements
        self._sent = 0  # elements, those that could not be sent among them
        self._open: Final[dict[int, int]] = {}  # first element -> elements, of writes without an answer

    def finish(self) -> Iterator[Send | WriteOutcome]:
        """Yield the last write."""
        yield from self._write(self._held.rest())

    def read(
        self, response: gallery_pb2.UpsertItemsStreamResponse | gallery_pb2.DeleteItemsStreamResponse
    ) -> WriteOutcome:
        """Return what became of one write."""
        first = response.sequence
        count = self._open.pop(first)
        if response.WhichOneof("outcome") == "response":
            return WriteOutcome(first=first, count=count, result=written_from_proto(response.response))
        return WriteOutcome(first=first, count=count, error=item_error_from_proto(response.error))

    def _take(self, element: Any, *, size: int, has_image: bool) -> Iterator[Send | WriteOutcome]:
        self._taken += 1
        yield from self._write(self._held.add(element, size=size, has_image=has_image))

    def _refuse(self, error: InvalidInput) -> Iterator[Send | WriteOutcome]:
        yield from self._write(self._held.rest())
        self._taken += 1
        yield WriteOutcome(first=self._sent, count=1, error=error)
        self._sent += 1

    def _write(self, elements: list[Any]) -> Iterator[Send]:
        if not elements:
            return
        first = self._sent
        self._sent += len(elements)
        self._open[first] = len(elements)
        request_id = f"{self._request_id}/{first}" if self._request_id else new_request_id()
        yield Send(self._message(first, elements, request_id))

    @abc.abstractmethod
    def _message(self, first: int, elements: list[Any], request_id: str) -> Message: ...


class UpsertPlan(_WritePlan[UpsertItem]):
    """UpsertItemsStream."""

    method = "UpsertItemsStream"

    def __init__(self, limits: Limits, *, gallery: str, partial: bool, request_id: str, batch_size: int | None) -> None:
        super().__init__(limits, request_id=request_id, batch_size=batch_size)
        self._gallery: Final = gallery
        self._partial: Final = partial

    def add(self, element: UpsertItem) -> Iterator[Send | WriteOutcome]:
        """Yield a write when this item does not fit into it any more."""
        try:
            item = new_item_to_proto(element, f"items[{self._taken}]")
        except InvalidInput as error:
            yield from self._refuse(error)
        else:
            yield from self._take(item, size=item.ByteSize(), has_image=item.HasField("image"))

    def _message(self, first: int, elements: list[Any], request_id: str) -> Message:
        request = gallery_pb2.UpsertItemsRequest(
            gallery=self._gallery, items=elements, request_id=request_id, partial=self._partial
        )
        return gallery_pb2.UpsertItemsStreamRequest(sequence=first, request=request)


class DeletePlan(_WritePlan[str]):
    """DeleteItemsStream."""

    method = "DeleteItemsStream"

    def __init__(self, limits: Limits, *, gallery: str, request_id: str, batch_size: int | None) -> None:
        super().__init__(limits, request_id=request_id, batch_size=batch_size)
        self._gallery: Final = gallery

    def add(self, element: str) -> Iterator[Send | WriteOutcome]:
        """Yield a write when this id does not fit into it any more."""
        yield from self._take(element, size=len(element.encode(errors="replace")), has_image=False)

    def _message(self, first: int, elements: list[Any], request_id: str) -> Message:
        request = gallery_pb2.DeleteItemsRequest(gallery=self._gallery, item_ids=elements, request_id=request_id)
        return gallery_pb2.DeleteItemsStreamRequest(sequence=first, request=request)

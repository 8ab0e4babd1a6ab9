"""A connection that waits on an event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc
import grpc.aio

from smserve.client.async_streaming import AsyncStream
from smserve.client.calls.streams import Plan
from smserve.client.endpoint import Endpoint
from smserve.client.limits import Limits
from smserve.client.talk import GALLERY, RETRIEVAL, Call, LimitsWanted, Talk
from smserve.client.tls import Tls
from smserve.errors import SmserveError, Unavailable
from smserve.v1 import gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc

__all__ = ["AsyncConnection"]

_Result = TypeVar("_Result")
_Element = TypeVar("_Element")
_Outcome = TypeVar("_Outcome")


class AsyncConnection:
    """Made at the first call, for the event loop that runs then; an asynchronous context manager that closes it."""

    def __init__(self, address: str, *, timeout_s: float, tls: Tls | None, api_key: str | None, insecure: bool) -> None:
        """See `AsyncClient`."""
        self._endpoint: Final = Endpoint(address, timeout_s=timeout_s, tls=tls, api_key=api_key, insecure=insecure)
        self.address: Final = address
        self.timeout_s: Final = timeout_s
        self._closed = False
        self._channel: grpc.aio.Channel | None = None
        self._stubs: dict[str, Any] = {}
        self._limits: Limits | None = None

    async def close(self) -> None:
        """Close the connection; calling it twice is harmless."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, talk: Talk[_Result]) -> _Result:
        """Carry a talk through to its result; its steps read and encode pictures, so they run in a thread."""
        answer: Any = None
        error: SmserveError | None = None
        while True:
            step, result = await asyncio.to_thread(_next_step, talk, answer, error)
            if step is None:
                return result  # type: ignore[return-value]  # a talk that has ended has its result
            answer, error = None, None
            try:
                answer = await (self._limits_of_server() if isinstance(step, LimitsWanted) else self._call(step))
            except SmserveError as raised:
                error = raised

    async def _call(self, call: Call) -> Any:
        """Return the answer, or raise what the server raised."""
        timeout_s = self.timeout_s if call.timeout_s is None else call.timeout_s
        try:
            return await self._method(call.service, call.method)(call.request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise self._endpoint.error(error, timeout_s) from None
        except grpc.aio.UsageError:
            if self._closed:  # by another task, just now
                raise self._is_closed() from None
            raise

    async def _read(self, call: Call, read: Callable[[Any], _Result]) -> AsyncIterator[_Result]:
        """Yield what the answers to a call that has many say; leaving early ends the call."""
        answers = self._method(call.service, call.method)(call.request, timeout=call.timeout_s)
        try:
            async for answer in answers:
                yield read(answer)
        except grpc.RpcError as error:
            raise self._endpoint.error(error, call.timeout_s) from None
        finally:
            answers.cancel()

    async def _stream(
        self,
        make_plan: Callable[[Limits], Plan[_Element, _Outcome]],
        elements: Iterable[_Element] | AsyncIterable[_Element],
        timeout_s: float | None,
    ) -> AsyncIterator[_Outcome]:
        """Yield what becomes of elements that go over a stream; leaving early ends it."""
        limits = await self._limits_of_server()
        plan = make_plan(limits)
        stream = AsyncStream(plan, elements, places=limits.max_stream_requests)
        try:
            async with aclosing(stream.run(self._method(plan.service, plan.method), timeout_s)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
        except grpc.RpcError as error:
            raise self._endpoint.error(error, timeout_s) from None

    def _method(self, service: str, method: str) -> Callable[..., Any]:
        if self._closed:
            raise self._is_closed()
        if self._channel is None:
            self._channel = self._endpoint.open_async()
            self._stubs = {
                RETRIEVAL: retrieval_pb2_grpc.RetrievalServiceStub(self._channel),
                GALLERY: gallery_pb2_grpc.GalleryServiceStub(self._channel),
            }
        stub_method: Callable[..., Any] = getattr(self._stubs[service], method)
        return functools.partial(stub_method, metadata=self._endpoint.metadata)

    async def _limits_of_server(self) -> Limits:
        if self._limits is None:
            request = retrieval_pb2.GetServerInfoRequest()
            self._limits = Limits.of(await self._call(Call(service=RETRIEVAL, method="GetServerInfo", request=request)))
        return self._limits

    def _is_closed(self) -> Unavailable:
        return Unavailable(f"this client of {self.address} is closed; make another one")


def _next_step(
    talk: Talk[_Result], answer: Any, error: SmserveError | None
) -> tuple[Call | LimitsWanted | None, _Result | None]:
    """Return the talk's next step, or None and its result; a StopIteration can't cross from a thread."""
    try:
        return (talk.send(answer) if error is None else talk.throw(error)), None
    except StopIteration as end:
        return None, end.value

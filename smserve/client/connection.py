"""A connection that waits on the calling thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc

from smserve.client.calls.streams import Plan
from smserve.client.endpoint import Endpoint
from smserve.client.limits import Limits
from smserve.client.streaming import Stream
from smserve.client.talk import GALLERY, RETRIEVAL, Call, LimitsWanted, Talk
from smserve.client.tls import Tls
from smserve.errors import SmserveError, Unavailable
from smserve.v1 import gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc

__all__ = ["Connection"]

_Result = TypeVar("_Result")
_Element = TypeVar("_Element")
_Outcome = TypeVar("_Outcome")


class Connection:
    """Made at the first call; safe to share between threads; a context manager that closes it."""

    def __init__(self, address: str, *, timeout_s: float, tls: Tls | None, api_key: str | None, insecure: bool) -> None:
        """See `Client`."""
        self._endpoint: Final = Endpoint(address, timeout_s=timeout_s, tls=tls, api_key=api_key, insecure=insecure)
        self.address: Final = address
        self.timeout_s: Final = timeout_s
        self._closed = False
        self._channel = self._endpoint.open()
        self._stubs: Final[dict[str, Any]] = {
            RETRIEVAL: retrieval_pb2_grpc.RetrievalServiceStub(self._channel),
            GALLERY: gallery_pb2_grpc.GalleryServiceStub(self._channel),
        }
        self._limits: Limits | None = None
        self._asking_limits: Final = threading.Lock()

    def close(self) -> None:
        """Close the connection; calling it twice is harmless."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, talk: Talk[_Result]) -> _Result:
        """Carry a talk through to its result."""
        try:
            step = next(talk)
            while True:
                try:
                    answer = self._limits_of_server() if isinstance(step, LimitsWanted) else self._call(step)
                except SmserveError as error:
                    step = talk.throw(error)
                else:
                    step = talk.send(answer)
        except StopIteration as end:
            result: _Result = end.value
            return result

    def _call(self, call: Call) -> Any:
        """Return the answer, or raise what the server raised."""
        timeout_s = self.timeout_s if call.timeout_s is None else call.timeout_s
        try:
            return self._method(call.service, call.method)(call.request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise self._endpoint.error(error, timeout_s) from None
        except ValueError:
            if self._closed:  # by another thread, just now
                raise self._is_closed() from None
            raise

    def _read(self, call: Call, read: Callable[[Any], _Result]) -> Iterator[_Result]:
        """Yield what the answers to a call that has many say; leaving early ends the call."""
        answers = self._method(call.service, call.method)(call.request, timeout=call.timeout_s)
        try:
            for answer in answers:
                yield read(answer)
        except grpc.RpcError as error:
            raise self._endpoint.error(error, call.timeout_s) from None
        finally:
            answers.cancel()

    def _stream(
        self,
        make_plan: Callable[[Limits], Plan[_Element, _Outcome]],
        elements: Iterable[_Element],
        timeout_s: float | None,
    ) -> Iterator[_Outcome]:
        """Yield what becomes of elements that go over a stream; leaving early ends it."""
        limits = self._limits_of_server()
        plan = make_plan(limits)
        stream = Stream(plan, elements, places=limits.max_stream_requests)
        try:
            yield from stream.run(self._method(plan.service, plan.method), timeout_s)
        except grpc.RpcError as error:
            raise self._endpoint.error(error, timeout_s) from None

    def _method(self, service: str, method: str) -> Callable[..., Any]:
        if self._closed:
            raise self._is_closed()
        stub_method: Callable[..., Any] = getattr(self._stubs[service], method)
        return functools.partial(stub_method, metadata=self._endpoint.metadata)

    def _limits_of_server(self) -> Limits:
        with self._asking_limits:
            if self._limits is None:
                request = retrieval_pb2.GetServerInfoRequest()
                self._limits = Limits.of(self._call(Call(service=RETRIEVAL, method="GetServerInfo", request=request)))
            return self._limits

    def _is_closed(self) -> Unavailable:
        return Unavailable(f"this client of {self.address} is closed; make another one")

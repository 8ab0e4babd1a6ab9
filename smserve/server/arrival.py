"""A call as gRPC hands it to a pool of threads: what is said here of gRPC's own parts is said nowhere else.

gRPC for Python lets a method have a pool of its own (`experimental_thread_pool`). It submits a function that waits for
the call's message, calls the method and sends what that returns: a thread is busy before it is known whether the call
may run. Here the message is read first, without a thread, by the steps that gRPC itself would take. They have no public
name; where a version of gRPC has others, `CAN_READ_AHEAD` is False, and calls are answered the usual way.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, Final

import grpc

try:
    from grpc._cython.cygrpc import ReceiveMessageOperation  # type: ignore[import-not-found]  # compiled
    from grpc._server import (
        _EMPTY_FLAGS,
        _RECEIVE_MESSAGE_TOKEN,
        _Context,
        _receive_message,
        _RPCState,
        _unary_response_in_pool,
    )
except ImportError:  # pragma: no cover - no such version is known
    _found = False
else:
    _found = (
        list(inspect.signature(_unary_response_in_pool).parameters)
        == ["rpc_event", "state", "behavior", "argument_thunk", "request_deserializer", "response_serializer"]
        and list(inspect.signature(_receive_message).parameters) == ["state", "call", "request_deserializer"]
        and {"condition", "context", "due", "request"} <= vars(_RPCState()).keys()  # type: ignore[no-untyped-call]  # private
    )

__all__ = ["CAN_READ_AHEAD", "Arrival"]

CAN_READ_AHEAD: Final = _found
"""Whether this version of gRPC has the parts that `Arrival` is made of."""

_log: Final = logging.getLogger(__name__)


class Arrival:
    """A call that has come, of which nothing has been read but its metadata.

    Attributes:
        context: The call's.
    """

    def __init__(self, answer: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        """Take what gRPC submits to a pool: a function and its arguments."""
        self._answer: Final = answer
        self._respond, self._event, self._state, self._behavior, self._unread, self._deserialize, self._serialize = (
            arguments
        )
        self.context: Final[grpc.ServicerContext] = _Context(self._event, self._state, self._deserialize)

    def read(self, then: Callable[[Any], None]) -> None:
        """Begin to read the message, and return at once.

        Args:
            then: Gets the message once it is there, or None where none will come: the caller has gone, or broke gRPC's
                rules. It is called on gRPC's one serving thread, and must not wait.
        """
        receive = _receive_message(self._state, self._event.call, self._deserialize)

        def received(event: Any) -> Any:
            outcome = receive(event)
            with self._state.condition:
                message, self._state.request = self._state.request, None
            try:
                then(message)
            except Exception:  # noqa: BLE001 - it would end the serving thread
                _log.exception("a call was lost")
            return outcome

        with self._state.condition:
            self._event.call.start_server_batch((ReceiveMessageOperation(_EMPTY_FLAGS),), received)
            self._state.due.add(_RECEIVE_MESSAGE_TOKEN)

    def answer(self, argument: Any) -> None:
        """Call the method with an argument, in place of the message, and send what it returns, on this thread."""
        self._run(lambda: argument)

    def answer_unread(self) -> None:
        """Do what gRPC does where no message comes, on this thread."""
        self._run(self._unread)

    def _run(self, argument: Callable[[], Any]) -> None:
        self._answer(
            self._respond, self._event, self._state, self._behavior, argument, self._deserialize, self._serialize
        )

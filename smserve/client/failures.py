"""From what gRPC raises to `smserve.errors`, in words for the person who called."""

import re
from typing import Any, Final

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client.handshake import handshake_problem
from smserve.client.tls import Tls
from smserve.errors import DeadlineExceeded, MessageTooLarge, SmserveError, Unavailable
from smserve.wire.status import error_from_code, error_from_status

__all__ = ["error_from_rpc"]

_BROKEN: Final = "Internal error from Core"  # grpc.aio, where a stream ends while a request is written
_OURS: Final = ("Locally cancelled", "Channel closed")  # how gRPC names what was ended on this side
_TOO_LARGE: Final = re.compile(r"(Sent|Received) message larger than max \((\d+) vs\. (\d+)\)")


def error_from_rpc(error: Any, address: str, timeout_s: float | None, tls: Tls | None = None) -> SmserveError:
    """Return the error that the server raised, or say what went wrong on the way to it.

    Args:
        error: A `grpc.RpcError` that is a `grpc.Call` too, as every blocking call raises; no type says so.
        address: HOST:PORT, for the message.
        timeout_s: What the call was given, for the message; None for a stream without a limit.
        tls: What the client connected with.
    """
    status = rpc_status.from_call(error)
    if status is not None:
        return error_from_status(status)
    details = error.details() or ""
    too_large = _TOO_LARGE.search(details)
    if too_large:
        direction, size, limit = too_large.groups()
        return MessageTooLarge(
            f"a message of {int(size):,} bytes is over the limit of {int(limit):,} "
            f"({'client' if 'CLIENT' in details else 'server'} {direction.lower()}); send a smaller picture, or ask "
            f"for fewer hits, without vectors or thumbnails"
        )
    code = error.code()
    was_let_go = code is grpc.StatusCode.CANCELLED and not details.startswith(_OURS)
    if was_let_go or code is grpc.StatusCode.UNAVAILABLE or details == _BROKEN:
        return _unavailable(details, address, tls, was_let_go=was_let_go)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(
            f"no answer from {address} within {timeout_s or 0:g} s; allow more time or ask for less"
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return SmserveError(
            f"the server at {address} does not know this call ({details}); is it smserve, and as new as this client?"
        )
    return error_from_code(code.value[0], f"{address}: {code.name}: {details}")


def _unavailable(details: str, address: str, tls: Tls | None, *, was_let_go: bool) -> Unavailable:
    if was_let_go:
        return Unavailable(f"the server at {address} let go of the call without an answer: it stops; try again shortly")
    if details == _BROKEN:
        return Unavailable(f"the server at {address} ended the call, or is gone, before it had all of it; try again")
    problem = handshake_problem(details, tls)
    if problem is not None:
        return Unavailable(f"no connection to the server at {address}: {problem}")
    return Unavailable(
        f"no server answers at {address} ({_cause(details)}); start one with `smserve serve --model model.onnx "
        f"--gallery DIR`, or name the address of a running one"
    )


def _cause(details: str) -> str:
    """Return the short reason at the end of gRPC's long sentence."""
    return details.strip().rpartition(": ")[2][:120] or "no reason given"

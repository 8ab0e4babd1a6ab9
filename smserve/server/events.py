"""What is told of a call, to whoever watches: the log, the metrics, the trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["CallBegun", "CallEnded", "CallObserver", "Ending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBegun:
    """A call that came in, before anything is known of it.

    Attributes:
        method: The whole name, "/package.Service/Method".
        request_id: The caller's, or a new one.
        metadata: Names and values, as gRPC has them; they may hold secrets.
        age_s: Since it came; it may have waited for its turn.
    """

    method: str
    request_id: str
    metadata: Sequence[tuple[str, str | bytes]]
    age_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call that is over, answered or not; pictures, filters and payloads that a caller sent are not in here.

    Attributes:
        name: The method's, without its service.
        request_id: As in `CallBegun`.
        code: The status that the caller gets, for example "OK" or "NOT_FOUND".
        seconds: From its begin to its end.
        answers: Sent of a stream; 0 for a single answer.
        caller: Who asked, for example "key=NAME"; empty for nobody in particular.
        error: Its reason, and more about it, on one line; empty where there is none.
    """

    name: str
    request_id: str
    code: str
    seconds: float
    answers: int = 0
    caller: str = ""
    error: str = ""


Ending = Callable[[CallEnded], None]

CallObserver = Callable[[CallBegun], Ending]
"""Is told that a call begins, on the thread that serves it, and returns what is to be told of its end, on the same."""

"""A log line for each call, and the id of the call on every other line that is logged while it is served."""

import logging
from contextvars import ContextVar
from typing import Final

from smserve.server.events import CallBegun, CallEnded, Ending

__all__ = ["current_request_id", "log_call"]

_log: Final = logging.getLogger("smserve.calls")
_request_id: Final[ContextVar[str]] = ContextVar("smserve_request_id", default="")


def current_request_id() -> str:
    """Return the id of the call that is served here; empty outside of calls."""
    return _request_id.get()


def log_call(begun: CallBegun) -> Ending:
    """Log a call at its end; see `CallObserver`."""
    _request_id.set(begun.request_id)
    return _end


def _end(ended: CallEnded) -> None:
    if _log.isEnabledFor(logging.INFO):
        _log_end(ended)
    _request_id.set("")


def _log_end(ended: CallEnded) -> None:
    milliseconds = ended.seconds * 1000
    fields = {
        "method": ended.name,
        "code": ended.code,
        "duration_ms": round(milliseconds, 3),
        "request_id": ended.request_id,
    }
    line = f"{ended.name} {ended.code} {milliseconds:.1f} ms request={ended.request_id}"
    if ended.caller:
        line += f" {ended.caller}"
        fields["caller"] = ended.caller
    if ended.answers:
        line += f" answers={ended.answers}"
        fields["answers"] = ended.answers
    if ended.error:
        line += f" ({ended.error})"
        fields["error"] = ended.error
    _log.info("%s", line, extra=fields)

"""Where log lines go and how they look: for people, or one JSON object a line."""

import logging
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from smserve.server.observing.call_log import current_request_id
from smserve.server.observing.log_buffer import LogBuffer

__all__ = ["LogFormat", "SpanIds", "configure_logs"]

SpanIds = tuple[str, str]
"""Of a trace and a span in it, in hex."""

_CONSOLE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(
    level: str,
    log_format: LogFormat,
    current_span: Callable[[], SpanIds | None] | None = None,
    *,
    buffered: bool = True,
) -> None:
    """Send the process's log to standard error, in place of where it went before.

    Args:
        level: The least that is logged: debug, info, warning or error.
        log_format: How it looks.
        current_span: Returns in which span it is called; None outside of one.
        buffered: Lines are written together, by a thread; see `LogBuffer`.
    """
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(logging.Formatter(_CONSOLE) if log_format is LogFormat.CONSOLE else _json())
    handler: logging.Handler = LogBuffer(stream) if buffered else stream
    handler.addFilter(_Surroundings(current_span))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("PIL").setLevel(logging.INFO)  # below that it logs what photos say about their takers


class _Surroundings(logging.Filter):
    """Adds to each record in which call and span it was logged."""

    def __init__(self, current_span: Callable[[], SpanIds | None] | None) -> None:
        super().__init__()
        self._current_span = current_span

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if not hasattr(record, "request_id") and (request_id := current_request_id()):
            record.request_id = request_id
        if self._current_span is not None and (span := self._current_span()):
            record.trace_id, record.span_id = span
        return True


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
        timestamp="time",
    )

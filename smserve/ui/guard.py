"""Keeps the page to itself: other sites can't ask through it, and it loads nothing from elsewhere."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smserve.config import ImageLimits

__all__ = ["guards"]

_HEADERS: Final = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
]
_FORM_BYTES: Final = 64 * 1024  # the fields beside the picture


def guards(hosts: list[str]) -> list[Middleware]:
    """Return the middleware; `hosts` are the names that the page answers to, "*" for any."""
    return [Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False), Middleware(_Guard)]


class _Guard:
    """Refuses a request that another site makes, or that is too large; adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        refusal = None if scope["method"] in {"GET", "HEAD"} else _refusal(Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_with_headers)


def _refusal(headers: Headers) -> PlainTextResponse | None:
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return PlainTextResponse(f"a page of {origin} may not ask here", 403)
    length, limit = headers.get("content-length", ""), ImageLimits().max_bytes + _FORM_BYTES
    if not length.isdecimal() or int(length) > limit:
        return PlainTextResponse(
            f"the request has {length or 'an unknown number of'} bytes; at most {limit:,} are taken; use a smaller "
            f"picture",
            413,
        )
    return None

"""Whether a call may be made: who asks, and what the rpc takes."""

from __future__ import annotations

import re
from typing import Final

import grpc

from smserve.errors import PermissionDenied, Unauthenticated
from smserve.server.security.key_ring import KeyRing
from smserve.server.security.keys import ApiKey
from smserve.server.security.scopes import scope_of
from smserve.server.security.settings import Security

__all__ = ["Access"]

_HEADER: Final = "authorization"
_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_WAY_OUT: Final = (
    f"send one as metadata `{_HEADER}: Bearer KEY`; smserve's clients take it as api_key or SMSERVE_API_KEY"
)


class Access:
    """Checks calls before anything of them is read; messages never repeat what a caller sent."""

    def __init__(self, security: Security) -> None:
        """Read the keys.

        Raises:
            InvalidInput: Their file can't be used.
        """
        self._keys: Final = None if security.keys is None else KeyRing(security.keys)
        self._has_certificates: Final = security.tls_client_ca is not None

    def permit(self, method: str, context: grpc.ServicerContext) -> str:
        """Return who calls, for the log: "key=NAME", or "certificate=NAME"; "" for nobody in particular.

        Args:
            method: /SERVICE/RPC.
            context: The call's.

        Raises:
            Unauthenticated: It brings no key, a wrong one, or one that has expired.
            PermissionDenied: The key's scope does not hold the rpc.
        """
        if self._keys is None:
            return _certificate(context) if self._has_certificates else ""
        key = self._key(self._keys, context)
        wanted = scope_of(method)
        if wanted is None:
            raise PermissionDenied(f"no key may call {method}")
        if key.scope < wanted:
            raise PermissionDenied(
                f"API key {key.name!r} has scope {key.scope.text}; {method.rpartition('/')[2]} wants {wanted.text}, so "
                f"ask with another key"
            )
        return f"key={key.name}"

    def _key(self, keys: KeyRing, context: grpc.ServicerContext) -> ApiKey:
        values = [value for name, value in context.invocation_metadata() if name == _HEADER]
        if not values:
            raise Unauthenticated(f"this server wants an API key, and the call brings none; {_WAY_OUT}")
        bearer = _BEARER.fullmatch(values[0]) if len(values) == 1 and isinstance(values[0], str) else None
        if bearer is None:
            raise Unauthenticated(f"the call's metadata {_HEADER!r} is not one API key; {_WAY_OUT}")
        key = keys.find(bearer.group(1))
        if key is None:
            raise Unauthenticated("the call's API key is none that this server takes; it is wrong, or was revoked")
        if key.is_expired:
            raise Unauthenticated(
                f"API key {key.name!r} expired on {key.expires:%Y-%m-%d %H:%M} UTC; ask for a new one"
            )
        return key


def _certificate(context: grpc.ServicerContext) -> str:
    shown = context.auth_context()
    names = [*shown.get("x509_common_name", ()), *shown.get("x509_subject_alternative_name", ())]
    name = next(filter(None, names), b"unnamed").decode(errors="replace")
    return "certificate=" + re.sub(r"[^\w.:@/-]", "?", name)[:64]

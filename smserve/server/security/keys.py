"""API keys, and the file that lists them; see docs/security.md.

A key is `smserve_` and 256 random bits. The file holds its sha256 alone: against a secret that nobody can guess, a slow
hash, as passwords want it, protects no better, and it would be computed at every call.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from smserve.errors import InvalidInput
from smserve.server.security.scopes import Scope

__all__ = ["ApiKey", "check_name", "digest_of", "keys_from_json", "keys_to_json", "new_secret"]

_PREFIX: Final = "smserve_"  # so that people, and programs that look for lost secrets, see what it is
_SECRET_BYTES: Final = 32
_VERSION: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = {"name", "scope", "sha256", "created", "expires"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the server knows it.

    Attributes:
        name: Whose it is, or what for; logs show it.
        scope: What it may do.
        sha256: Of the secret, lower-case hex.
        created: When it was made.
        expires: From then on it is refused; None for never.
    """

    name: str
    scope: Scope
    sha256: str
    created: datetime
    expires: datetime | None = None

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and datetime.now(UTC) >= self.expires


def new_secret() -> str:
    """Return a key that there was never before."""
    return _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_name(name: str) -> str:
    """Return a name that is fit for logs.

    Raises:
        InvalidInput: It is not.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"a key's name is {name[:100]!r}; wanted 1 to 64 letters, digits, and . _ -, a letter or digit first",
            field="name",
        )
    return name


def keys_to_json(keys: Sequence[ApiKey]) -> str:
    """Return the file's text."""
    document = {
        "version": _VERSION,
        "keys": [
            {
                "name": key.name,
                "scope": key.scope.text,
                "sha256": key.sha256,
                "created": _written(key.created),
                **({} if key.expires is None else {"expires": _written(key.expires)}),
            }
            for key in keys
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def keys_from_json(text: str | bytes) -> tuple[ApiKey, ...]:
    """Read the file's text; messages name the entry by its place or name, and repeat nothing else of it.

    Raises:
        InvalidInput: It is none.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise InvalidInput("it is no JSON") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION or set(document) != {"version", "keys"}:
        raise InvalidInput(f'wanted {{"version": {_VERSION}, "keys": [...]}}')
    if not isinstance(document["keys"], list):
        raise InvalidInput("keys is no list")
    keys = tuple(_key(entry, number) for number, entry in enumerate(document["keys"]))
    names = [key.name for key in keys]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"two keys are named {name!r}")
    return keys


def _key(entry: Any, number: int) -> ApiKey:
    where = f"keys[{number}]"
    if not isinstance(entry, dict) or not _FIELDS - {"expires"} <= set(entry) <= _FIELDS:
        raise InvalidInput(f"{where} wants the fields {', '.join(sorted(_FIELDS - {'expires'}))} and may have expires")
    if not all(isinstance(value, str) for value in entry.values()):
        raise InvalidInput(f"{where} has a field that is no text")
    if not _SHA256.fullmatch(entry["sha256"]):
        raise InvalidInput(f"{where}.sha256 is none: 64 digits in lower-case hex; a key itself never stands here")
    try:
        scope = Scope.of(entry["scope"])
    except KeyError:
        raise InvalidInput(f"{where}.scope is none of {', '.join(each.text for each in Scope)}") from None
    return ApiKey(
        name=check_name(entry["name"]),
        scope=scope,
        sha256=entry["sha256"],
        created=_time(entry["created"], f"{where}.created"),
        expires=_time(entry["expires"], f"{where}.expires") if "expires" in entry else None,
    )


def _time(text: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if time.tzinfo is None:
        raise InvalidInput(f"{where} is no time with its zone, as 2026-11-29T08:00:00Z")
    return time.astimezone(UTC)


def _written(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

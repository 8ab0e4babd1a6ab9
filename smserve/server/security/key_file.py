"""The file of API keys as its owner changes it; a running server sees the change at the next call."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from smserve.errors import AlreadyExists, InvalidInput, NotFound
from smserve.server.security.keys import ApiKey, check_name, digest_of, keys_from_json, keys_to_json, new_secret
from smserve.server.security.scopes import Scope

__all__ = ["create_key", "read_keys", "revoke_key"]

_MODE: Final = 0o600


def read_keys(file: Path) -> tuple[ApiKey, ...]:
    """Return the keys of a file.

    Raises:
        InvalidInput: It can't be read, is damaged, or anybody may change it.
    """
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"the file of keys {file} can't be read ({error.strerror}); make one with `smserve keys create NAME "
            f"--scope read --keys {file}`",
            field="keys",
        ) from None
    if mode & stat.S_IWOTH:
        raise InvalidInput(f"anybody may write to the file of keys {file}; run `chmod 600 {file}`", field="keys")
    try:
        return keys_from_json(text)
    except InvalidInput as error:
        raise InvalidInput(f"the file of keys {file} can't be used: {error.message}", field="keys") from None


def create_key(file: Path, name: str, scope: Scope, *, days: float | None = None) -> tuple[ApiKey, str]:
    """Add a key to a file, which is made where there is none; returns it, and the secret that nobody can ask for again.

    Args:
        file: Of keys.
        name: Whose it is, or what for.
        scope: What it may do.
        days: After which it expires; None for never.

    Raises:
        AlreadyExists: A key has that name.
        InvalidInput: The name is not fit for logs, or the file can't be used.
    """
    secret = new_secret()
    now = datetime.now(UTC).replace(microsecond=0)
    made = ApiKey(
        name=check_name(name),
        scope=scope,
        sha256=digest_of(secret),
        created=now,
        expires=None if days is None else now + timedelta(days=days),
    )

    def add(keys: Sequence[ApiKey]) -> Sequence[ApiKey]:
        if any(key.name == name for key in keys):
            raise AlreadyExists(f"{file} has a key {name!r} already; choose another name, or revoke that one")
        return [*keys, made]

    _change(file, add)
    return made, secret


def revoke_key(file: Path, name: str) -> None:
    """Remove a key.

    Raises:
        NotFound: There is none of that name.
        InvalidInput: The file can't be used.
    """

    def remove(keys: Sequence[ApiKey]) -> Sequence[ApiKey]:
        if all(key.name != name for key in keys):
            raise NotFound(f"{file} has no key {name!r}; `smserve keys list --keys {file}` shows those that it has")
        return [key for key in keys if key.name != name]

    _change(file, remove)


def _change(file: Path, change: Callable[[Sequence[ApiKey]], Sequence[ApiKey]]) -> None:
    """Replace the file in one step; two that change it at a time wait for each other, or a revoked key came back."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            text = keys_to_json(change(read_keys(file) if file.exists() else ()))
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as written:
                if file.exists():
                    _keep_readers(descriptor, file)
                written.write(text)
                written.flush()
                os.fsync(written.fileno())
            partial.replace(file)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise InvalidInput(f"the file of keys {file} can't be written ({error.strerror})", field="keys") from None


def _keep_readers(descriptor: int, file: Path) -> None:
    """Let the new file be read by whom the old one was: the server may run as another user."""
    before = file.stat()
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
    with contextlib.suppress(PermissionError):  # another user's file stays theirs where we may give it back
        os.fchown(descriptor, before.st_uid, before.st_gid)

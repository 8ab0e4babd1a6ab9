"""The group `smserve keys`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smserve.cli.options import json_option, new_file_path
from smserve.cli.output import print_json, print_table

if TYPE_CHECKING:
    from smserve.server.security.keys import ApiKey

__all__ = ["keys"]

_SCOPES = ["read", "write", "admin"]

file_option = click.option(
    "--keys",
    "file",
    type=new_file_path,
    required=True,
    metavar="FILE",
    help="The file of keys, as for `smserve serve`.",
)


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of a server.

    A server that was started with `smserve serve --keys FILE` sees a change of the file at the next call.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    required=True,
    help="read: search, embed, look at items. write: that, and change items. admin: that, and galleries and models.",
)
@click.option(
    "--expires",
    "days",
    type=click.FloatRange(0, 36_500, min_open=True),
    metavar="DAYS",
    help="Refuse it after so long.",
)
@file_option
@json_option
def create(*, name: str, scope: str, days: float | None, file: Path, as_json: bool) -> None:
    """Make a key NAME and print it, this once: the file holds only what recognises it.

    \b
    Examples:
      smserve keys create shop --scope read --keys keys.json > shop.key
      smserve keys create nightly-import --scope write --expires 90 --keys keys.json
    """  # noqa: D301 - click wants a real backspace
    from smserve.server.security.key_file import create_key
    from smserve.server.security.scopes import Scope

    key, secret = create_key(file, name, Scope.of(scope), days=days)
    if as_json:
        print_json({**_document(key), "key": secret})
    else:
        click.echo(secret)
    until = "" if key.expires is None else f" until {key.expires:%Y-%m-%d %H:%M} UTC"
    click.echo(f"key {key.name} of {file} has scope {scope}{until}; it is shown this once", err=True)


@keys.command("list")
@file_option
@json_option
def list_(*, file: Path, as_json: bool) -> None:
    """Show the keys of FILE: names, scopes, times; not the keys themselves, which nobody has but their owners."""
    from smserve.server.security.key_file import read_keys

    found = [_document(key) for key in read_keys(file)]
    if as_json:
        print_json(found)
        return
    rows = [
        [each["name"], each["scope"], each["created"], each["expires"] or "", "yes" if each["expired"] else ""]
        for each in found
    ]
    print_table(["name", "scope", "created", "expires", "expired"], rows)


@keys.command()
@click.argument("name")
@file_option
@json_option
def revoke(*, name: str, file: Path, as_json: bool) -> None:
    """Refuse key NAME from now on: the next call with it fails, and an open stream at its next request."""
    from smserve.server.security.key_file import revoke_key

    revoke_key(file, name)
    if as_json:
        print_json({"revoked": name})
    click.echo(f"key {name} of {file} is revoked", err=True)


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scope": key.scope.text,
        "created": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
        "expires": None if key.expires is None else f"{key.expires:%Y-%m-%dT%H:%M:%SZ}",
        "expired": key.is_expired,
    }

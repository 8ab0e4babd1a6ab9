"""`smserve gallery list`, `create`, `drop` and `alias`: the galleries of a running server."""

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.options import json_option, server_option
from smserve.cli.output import print_json, print_table

__all__ = ["alias", "create", "drop", "list_"]


@click.command("list")
@server_option
@connection_options
@json_option
def list_(*, server: str, connection: Connection, as_json: bool) -> None:
    """Show the galleries of a server; the first is its default."""
    with connection.open(server) as client:
        found = client.galleries()
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "items", "D", "model", "generation", "written to", "aliases"],
        [
            [
                each.name,
                f"{each.item_count}",
                f"{each.dimension}",
                f"{each.model_name} ({each.model_fingerprint[:16]})",
                f"{each.generation}",
                "yes" if each.writable else "no",
                ", ".join(each.aliases),
            ]
            for each in found
        ],
        numeric=["items", "D", "generation"],
    )


@click.command()
@click.argument("name")
@click.option(
    "--fingerprint",
    default="",
    metavar="SHA256",
    help="Its model, one of the server's --models, by the sha256 of the file.  [default: the server's own]",
)
@server_option
@connection_options
@json_option
def create(*, name: str, fingerprint: str, server: str, connection: Connection, as_json: bool) -> None:
    """Make an empty gallery NAME in the server's folder of galleries, and serve it.

    The server must have been started with --galleries.
    """
    with connection.open(server) as client:
        made = client.create_gallery(name, model_fingerprint=fingerprint)
    if as_json:
        print_json(made)
    click.echo(f"gallery {made.name} is served, empty, for model {made.model_fingerprint}", err=True)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, show_default=False, help="Don't ask before.")
@server_option
@connection_options
@json_option
def drop(*, name: str, yes: bool, server: str, connection: Connection, as_json: bool) -> None:
    """Delete gallery NAME of a server, with all its files; its aliases go with it.

    Only where it lies in the server's folder of galleries. Calls that have begun end first.
    """
    with connection.open(server) as client:
        count = client.get_gallery(name).item_count
        if not yes:
            click.confirm(f"delete gallery {name} with {count:,} items?", abort=True, err=True)
        dropped = client.drop_gallery(name, expected_item_count=None if yes else count)
    if as_json:
        print_json(dropped)
    click.echo(f"gallery {dropped.gallery} is gone, with {dropped.item_count:,} items", err=True)


@click.command()
@click.argument("alias")
@click.argument("name", required=False)
@click.option("--delete", is_flag=True, show_default=False, help="Remove ALIAS; the gallery stays.")
@click.option("--expected", metavar="NAME", help='Only where ALIAS leads to this gallery now; "" for none.')
@server_option
@connection_options
@json_option
def alias(
    *,
    alias: str,
    name: str | None,
    delete: bool,
    expected: str | None,
    server: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Let ALIAS lead to gallery NAME from now on, in one step for every caller.

    Clients that ask for ALIAS get the gallery; every answer names the gallery itself.

    \b
    Examples:
      smserve gallery alias products products-2026
      smserve gallery alias products --delete
    """  # noqa: D301 - click wants a real backspace
    if delete == (name is not None) or (delete and expected is not None):
        raise click.UsageError("give either NAME, or --delete alone")
    with connection.open(server) as client:
        if name is None:
            change = client.delete_alias(alias)
        else:
            change = client.set_alias(alias, name, expected_gallery=expected)
    if as_json:
        print_json(change)
    if name is None:
        click.echo(f"{alias} leads nowhere any more", err=True)
        return
    before = f", before to {change.previous_gallery}" if change.previous_gallery else ""
    click.echo(f"{alias} leads to gallery {change.gallery}{before}", err=True)

"""`smserve gallery models`, `activate` and `discard`."""

from pathlib import Path

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.gallery_here_or_served import check_one, fingerprint_option, gallery_or_server
from smserve.cli.options import gallery_argument, json_option
from smserve.cli.output import counted, print_json, print_table

__all__ = ["activate", "discard", "models"]


@click.command()
@gallery_or_server
@connection_options
@json_option
def models(
    *, gallery: Path | None, server: str | None, gallery_name: str, connection: Connection, as_json: bool
) -> None:
    """Show the models whose vectors GALLERY, or a gallery of a server, holds: in use, staged, in use before."""
    check_one(gallery, server)
    rows: list[list[str]]
    if gallery is not None:
        from smserve.gallery.staging import gallery_models

        found = gallery_models(gallery)
        rows = [[each.state, each.model_fingerprint, f"{each.dimension}", f"{each.item_count}"] for each in found]
        columns = ["state", "model", "D", "items"]
        if as_json:
            print_json(found)
            return
    else:
        with connection.open(server or "") as client:
            served = client.models(gallery=gallery_name)
        rows = [
            [
                each.state,
                each.model_fingerprint,
                f"{each.dimension}",
                f"{each.item_count}",
                "yes" if each.available else "no",
            ]
            for each in served
        ]
        columns = ["state", "model", "D", "items", "on the server"]
        if as_json:
            print_json(served)
            return
    print_table(columns, rows, numeric=["D", "items"])


@click.command()
@gallery_or_server
@fingerprint_option
@click.option(
    "--previous", is_flag=True, show_default=False, help="Go back to the model before, while nothing was written since."
)
@connection_options
@json_option
def activate(
    *,
    gallery: Path | None,
    server: str | None,
    gallery_name: str,
    fingerprint: str,
    previous: bool,
    connection: Connection,
    as_json: bool,
) -> None:
    """Let GALLERY be searched with its staged model, from the next start of its server on; with --server, at once.

    One small file is replaced: a crash leaves the one model or the other. Refused where the stage lacks writes: stage
    again, only what is missing is embedded. The model before is kept, for --previous.

    With --server, searches go on meanwhile, each with the one model or the other, and writes wait for a moment. The
    server must have the model in its --models. On a folder, it is refused while a process writes to the gallery (its
    pid is named), and a server that only reads stays with the model that it has until it is restarted with the new one.

    \b
    Examples:
      smserve gallery activate gallery/
      smserve gallery activate --server 127.0.0.1:50051 --gallery-name photos
    """  # noqa: D301 - click wants a real backspace
    check_one(gallery, server)
    if gallery is not None:
        if fingerprint:
            raise click.UsageError("--fingerprint goes with --server; a folder has one staged model")
        _activate_here(gallery, previous=previous, as_json=as_json)
    else:
        _activate_served(connection, server or "", gallery_name, fingerprint, previous=previous, as_json=as_json)


def _activate_here(gallery: Path, *, previous: bool, as_json: bool) -> None:
    from smserve.gallery.staging import activate as switch
    from smserve.gallery.staging import activate_previous, gallery_models

    if previous:
        activate_previous(gallery)
    else:
        switch(gallery)
    model = gallery_models(gallery)[0]
    if as_json:
        print_json(model)
    click.echo(
        f"gallery {gallery} is searched with model {model.model_fingerprint}, {counted(model.item_count, 'item')}, D="
        f"{model.dimension}, from the next start of its server on: restart it with that model",
        err=True,
    )


def _activate_served(
    connection: Connection, server: str, gallery: str, fingerprint: str, *, previous: bool, as_json: bool
) -> None:
    from smserve.errors import GenerationMismatch
    from smserve.types.administration import ModelState

    with connection.open(server) as client:
        if not fingerprint:
            wanted = {ModelState.PREVIOUS} if previous else {ModelState.STAGED, ModelState.STAGING}
            found = [each for each in client.models(gallery=gallery) if each.state in wanted]
            if not found:
                raise GenerationMismatch(
                    f"the gallery has no model {'from before' if previous else 'staged'}; stage it: `smserve gallery "
                    f"stage --server {server} --fingerprint SHA256`"
                )
            fingerprint = found[0].model_fingerprint
        done = client.activate_model(fingerprint, gallery=gallery)
    if as_json:
        print_json(done)
    click.echo(
        f"gallery {done.gallery} is searched with model {done.model_fingerprint} now, before with "
        f"{done.previous_model_fingerprint}",
        err=True,
    )


@click.command()
@gallery_argument
@click.option(
    "--previous",
    is_flag=True,
    show_default=False,
    help="Remove the vectors of the model before instead; no server may search with it any more.",
)
@json_option
def discard(*, gallery: Path, previous: bool, as_json: bool) -> None:
    """Remove the staged model's vectors from GALLERY; the model in use stays as it is."""
    from smserve.gallery.staging import discard as remove
    from smserve.gallery.staging import discard_previous, gallery_models

    if previous:
        discard_previous(gallery)
        done = "no longer keeps the model that was in use before"
    else:
        staged = remove(gallery)
        done = f"has model {staged.model_fingerprint} staged no longer"
    if as_json:
        print_json(gallery_models(gallery))
    click.echo(f"gallery {gallery} {done}", err=True)

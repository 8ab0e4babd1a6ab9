"""`smserve gallery models`, `activate` and `discard`."""

from pathlib import Path

import click

from smserve.cli.options import gallery_argument, json_option
from smserve.cli.output import counted, print_json, print_table

__all__ = ["activate", "discard", "models"]


@click.command()
@gallery_argument
@json_option
def models(*, gallery: Path, as_json: bool) -> None:
    """Show the models whose vectors GALLERY holds: in use, staged, in use before."""
    from smserve.gallery.staging import gallery_models

    found = gallery_models(gallery)
    if as_json:
        print_json(found)
        return
    print_table(
        ["state", "model", "D", "items"],
        [[each.state, each.model_fingerprint, f"{each.dimension}", f"{each.item_count}"] for each in found],
        numeric=["D", "items"],
    )


@click.command()
@gallery_argument
@click.option(
    "--previous", is_flag=True, show_default=False, help="Go back to the model before, while nothing was written since."
)
def activate(*, gallery: Path, previous: bool) -> None:
    """Let GALLERY be searched with its staged model, from the next start of its server on.

    One small file is replaced: a crash leaves the one model or the other. Refused while a process writes to the gallery
    (its pid is named), and where the stage lacks writes. A server that only reads stays with the model that it has
    until it is restarted with the new one. The model before is kept, for --previous.
    """
    from smserve.gallery.staging import activate as switch
    from smserve.gallery.staging import activate_previous, gallery_models

    if previous:
        activate_previous(gallery)
    else:
        switch(gallery)
    model = gallery_models(gallery)[0]
    click.echo(
        f"gallery {gallery} is searched with model {model.model_fingerprint}, {counted(model.item_count, 'item')}, D="
        f"{model.dimension}, from the next start of its server on: restart it with that model",
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
def discard(*, gallery: Path, previous: bool) -> None:
    """Remove the staged model's vectors from GALLERY; the model in use stays as it is."""
    from smserve.gallery.staging import discard as remove
    from smserve.gallery.staging import discard_previous

    if previous:
        discard_previous(gallery)
        click.echo(f"gallery {gallery} no longer keeps the model that was in use before", err=True)
    else:
        staged = remove(gallery)
        click.echo(f"gallery {gallery} has model {staged.model_fingerprint} staged no longer", err=True)

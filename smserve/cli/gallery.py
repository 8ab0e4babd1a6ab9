"""The group `smserve gallery`."""

import click

from smserve.cli.gallery_compare import compare
from smserve.cli.gallery_copy import copy
from smserve.cli.gallery_duplicates import duplicates
from smserve.cli.gallery_items import export, import_
from smserve.cli.gallery_models import activate, discard, models
from smserve.cli.gallery_served import alias, create, drop, list_
from smserve.cli.gallery_snapshot import restore, snapshot
from smserve.cli.gallery_stage import stage

__all__ = ["gallery"]


@click.group()
def gallery() -> None:
    """Move a gallery, copy it, give it another model; make and drop those of a server."""


for command in (
    *(export, import_, copy, snapshot, restore, duplicates),
    *(stage, compare, activate, discard, models),
    *(list_, create, drop, alias),
):
    gallery.add_command(command)

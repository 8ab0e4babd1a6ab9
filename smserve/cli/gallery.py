"""The group `smserve gallery`."""

import click

from smserve.cli.gallery_compare import compare
from smserve.cli.gallery_duplicates import duplicates
from smserve.cli.gallery_items import export, import_
from smserve.cli.gallery_models import activate, discard, models
from smserve.cli.gallery_snapshot import restore, snapshot
from smserve.cli.gallery_stage import stage

__all__ = ["gallery"]


@click.group()
def gallery() -> None:
    """Move a gallery, copy it, and give it another model."""


for command in (export, import_, snapshot, restore, stage, compare, activate, discard, models, duplicates):
    gallery.add_command(command)

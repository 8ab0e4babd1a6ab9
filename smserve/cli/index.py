"""The group `smserve index`."""

import click

from smserve.cli.index_build import build
from smserve.cli.index_evaluate import evaluate

__all__ = ["index"]


@click.group()
def index() -> None:
    """Build a gallery, and measure how well it is searched."""


index.add_command(build)
index.add_command(evaluate)

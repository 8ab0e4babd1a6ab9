"""The group `smserve index`."""

import click

from smserve.cli.index_add import add
from smserve.cli.index_build import build
from smserve.cli.index_evaluate import evaluate
from smserve.cli.index_generations import compact, generations, rollback
from smserve.cli.index_remove import remove
from smserve.cli.index_repair import repair
from smserve.cli.index_tune import tune
from smserve.cli.index_verify import verify

__all__ = ["index"]


@click.group()
def index() -> None:
    """Build a gallery, change it, measure how well it is searched, and look for damage."""


for command in (build, add, remove, compact, rollback, generations, tune, evaluate, verify, repair):
    index.add_command(command)

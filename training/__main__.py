"""Train, evaluate and export: `python -m training --help`."""

from __future__ import annotations

import sys
from typing import Any

import click

from smserve.errors import SmserveError
from training.commands.datasets import datasets
from training.commands.evaluate import evaluate
from training.commands.export import export
from training.commands.recipes import recipes
from training.commands.report import report
from training.commands.table import table
from training.commands.train import train


class _Commands(click.Group):
    """Ends in one line on standard error, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SmserveError as error:
            raise click.ClickException(error.message) from None
        except KeyboardInterrupt:
            click.echo("Interrupted; go on with --resume.", err=True)
            sys.exit(130)


@click.group(cls=_Commands, context_settings={"show_default": True, "max_content_width": 100})
def main() -> None:
    """Learn an image embedding by smart mining.

    \b
    Three steps:
      python -m training train --dataset folder:photos --name photos
      python -m training evaluate runs/photos
      python -m training export runs/photos
    """  # noqa: D301 - click wants a real backspace


for command in (train, evaluate, export, report, table, recipes, datasets):
    main.add_command(command)


if __name__ == "__main__":
    main(prog_name="python -m training")

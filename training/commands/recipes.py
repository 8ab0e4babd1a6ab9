"""`python -m training recipes`."""

import click

__all__ = ["recipes"]


@click.command()
def recipes() -> None:
    """List the recipes."""
    from training.recipes import RECIPES

    width = max(len(name) for name in RECIPES) + 2
    for name, recipe in RECIPES.items():
        click.echo(f"{name:<{width}}{recipe.summary}")

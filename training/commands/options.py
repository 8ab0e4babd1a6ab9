"""Options that several commands take, and the folder of a run as an argument; with what a shell completes."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

__all__ = ["ALLOW_SUBSET", "CONFIG", "DATA_DIR", "DEVICE", "PRINT_CONFIG", "RECIPE", "RUN", "RUN_DIR", "SET"]


def _complete_recipe(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from training.recipes import RECIPES

    return [CompletionItem(name, help=each.summary) for name, each in RECIPES.items() if name.startswith(incomplete)]


def _complete_setting(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from training.config import setting_choices, setting_names

    name, equals, begun = incomplete.partition("=")
    if equals:
        return [f"{name}={each}" for each in setting_choices(name) if each.startswith(begun)]
    return [f"{each}=" for each in setting_names() if each.startswith(name)]


RECIPE = click.option(
    "--recipe",
    metavar="NAME",
    show_default="the data set's own",
    help="See `python -m training recipes`.",
    shell_complete=_complete_recipe,
)
CONFIG = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings in place of a recipe's: what --print-config printed, a run's config.json, or TOML.",
)
SET = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Another value of a setting, for example sampler.batch_size=64; may be repeated, and comes after all else.",
    shell_complete=_complete_setting,
)
PRINT_CONFIG = click.option(
    "--print-config", is_flag=True, show_default=False, help="Print all settings as JSON, for --config, and end."
)

DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    help="Where fetched data sets and decoded pictures are kept.",
)
RUN_DIR = click.option(
    "--run-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), help="Of all runs."
)
RUN = click.argument("run", type=click.Path(file_okay=False, path_type=Path))
DEVICE = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="auto: CUDA when there is one."
)
ALLOW_SUBSET = click.option(
    "--allow-subset",
    is_flag=True,
    show_default=False,
    help="Accept a part of a published data set, to try things out on.",
)

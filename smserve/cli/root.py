"""The group `smserve`."""

from pathlib import Path

import click

from smserve.cli.compare import compare
from smserve.cli.completion import completion
from smserve.cli.config import config
from smserve.cli.configuration import DEFAULT_FILE, read_configuration
from smserve.cli.embed import embed
from smserve.cli.failures import CommandGroup
from smserve.cli.gallery import gallery
from smserve.cli.health import health
from smserve.cli.index import index
from smserve.cli.info import info
from smserve.cli.keys import keys
from smserve.cli.options import file_path
from smserve.cli.search import search
from smserve.cli.serving import serve
from smserve.cli.settings import name_variables
from smserve.cli.tune import tune
from smserve.cli.ui import ui
from smserve.version import VERSION

__all__ = ["smserve"]


def _configure(ctx: click.Context, param: click.Parameter, file: Path | None) -> None:  # noqa: ARG001 - click's signature
    assert isinstance(ctx.command, click.Group), "the option is the root's"  # noqa: S101 - for the type checker
    ctx.obj = read_configuration(file, ctx.command)
    ctx.default_map = ctx.obj.default_map


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
)
@click.version_option(VERSION, "--version", "-V", message="smserve %(version)s")
@click.option(
    "--config",
    type=file_path,
    callback=_configure,
    expose_value=False,
    envvar="SMSERVE_CONFIG",
    show_envvar=True,
    show_default=f"{DEFAULT_FILE} in the current folder, if it is there",
    metavar="FILE",
    help="Read settings from this TOML file; see `smserve config --help`.",
)
def smserve() -> None:
    """Search a gallery of pictures by picture.

    \b
    Three steps:
      smserve index build --model model.onnx --images photos/ --gallery gallery/
      smserve serve --model model.onnx --gallery gallery/
      smserve search photo.jpg

    The model comes from `python -m training train`. search, embed, compare and info ask a running server, by default
    the one on this machine. Every option can come from the environment or from a file, too: see `smserve config show`.

    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some pictures could not be read; 130 interrupted.
    """  # noqa: D301 - click wants a real backspace


for command in (serve, search, ui, embed, compare, info, health, index, gallery, tune, keys, config, completion):
    smserve.add_command(command)

name_variables(smserve, "SMSERVE")

"""Options that belong together reach a command as one argument."""

from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner

from smserve.cli.option_group import option_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: int
    height: int


size_options = option_group(
    "size",
    Size,
    click.option("--width", type=int, default=1),
    click.option("--tall", "height", type=int, default=2),
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@size_options
@click.option("--loud", is_flag=True)
def draw(*, file: Path, size: Size, loud: bool) -> None:
    """Draw."""
    click.echo(f"{file} {size} {loud}")


def test_the_command_gets_one_value_made_of_the_options() -> None:
    result = CliRunner().invoke(draw, ["a.png", "--tall", "7", "--loud"])
    assert result.output == "a.png Size(width=1, height=7) True\n"


def test_help_lists_the_options_in_order() -> None:
    text = CliRunner().invoke(draw, ["--help"]).output
    assert text.index("--width") < text.index("--tall") < text.index("--loud")

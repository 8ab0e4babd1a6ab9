"""Help that one can learn from, and the version."""

import click
import pytest

from smserve import __version__
from smserve.cli.root import smserve
from tests.cli.conftest import Run


def every_command(group: click.Group = smserve, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += every_command(command, (*path, name))
    return found


def test_the_commands() -> None:
    assert set(every_command()) == {
        ("serve",),
        ("tune",),
        ("search",),
        ("embed",),
        ("compare",),
        ("info",),
        ("health",),
        ("ui",),
        ("completion",),
        ("keys",),
        ("keys", "create"),
        ("keys", "list"),
        ("keys", "revoke"),
        ("config",),
        ("config", "show"),
        ("gallery",),
        ("gallery", "activate"),
        ("gallery", "alias"),
        ("gallery", "compare"),
        ("gallery", "create"),
        ("gallery", "discard"),
        ("gallery", "drop"),
        ("gallery", "copy"),
        ("gallery", "duplicates"),
        ("gallery", "export"),
        ("gallery", "import"),
        ("gallery", "list"),
        ("gallery", "models"),
        ("gallery", "restore"),
        ("gallery", "snapshot"),
        ("gallery", "stage"),
        ("index",),
        ("index", "add"),
        ("index", "build"),
        ("index", "compact"),
        ("index", "evaluate"),
        ("index", "generations"),
        ("index", "remove"),
        ("index", "repair"),
        ("index", "rollback"),
        ("index", "tune"),
        ("index", "verify"),
    }


@pytest.mark.parametrize("path", every_command())
def test_every_command_and_option_has_help(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    command: click.Command = smserve
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_defaults_are_shown(run: Run) -> None:
    output = run("search", "--help").output
    assert "127.0.0.1:50051" in output
    assert "default: 10" in output


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"smserve {__version__}\n"


def test_an_unknown_command(run: Run) -> None:
    assert run("serach").exit_code == 2

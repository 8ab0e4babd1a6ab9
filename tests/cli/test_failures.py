"""Whatever happens in a command: one line and an exit code, never a traceback."""

import click
import pytest
from click.testing import CliRunner

from smserve.cli.failures import CommandGroup
from smserve.errors import InvalidTopK


def run_raising(error: BaseException) -> "click.testing.Result":
    @click.group(cls=CommandGroup)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, ["fail"])


def test_our_errors() -> None:
    result = run_raising(InvalidTopK("top_k is 0; wanted at least 1"))
    assert (result.exit_code, result.stderr) == (1, "Error: top_k is 0; wanted at least 1\n")


def test_unexpected_errors_say_where_the_traceback_is() -> None:
    result = run_raising(ZeroDivisionError("by\nzero"))
    assert result.exit_code == 1
    assert result.stderr == "Error: ZeroDivisionError: by zero (run with SMSERVE_DEBUG=1 for the traceback)\n"


def test_debugging_lets_them_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSERVE_DEBUG", "1")
    assert isinstance(run_raising(ZeroDivisionError()).exception, ZeroDivisionError)


def test_an_interrupt_ends_as_shells_expect() -> None:
    result = run_raising(KeyboardInterrupt())
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")

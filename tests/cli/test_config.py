"""`smserve config show`, the variables of the environment, `smserve completion`, and --json everywhere."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from smserve.cli.root import smserve
from smserve.cli.settings import walk_commands
from smserve.config import MAX_MESSAGE_BYTES
from tests.cli.conftest import Run, document

SHARED = {
    "SMSERVE_SERVER",
    "SMSERVE_TLS",
    "SMSERVE_TLS_CA",
    "SMSERVE_TLS_CLIENT_CERTIFICATE",
    "SMSERVE_TLS_CLIENT_KEY",
    "SMSERVE_TLS_SERVER_NAME",
    "SMSERVE_API_KEY_FILE",
    "SMSERVE_INSECURE",
}
WITHOUT_JSON = {("serve",), ("ui",), ("completion",)}  # two run until they are told to stop, one prints a script


def commands() -> list[tuple[tuple[str, ...], click.Command]]:
    return [(path, command) for path, command in walk_commands(smserve) if not isinstance(command, click.Group)]


@pytest.mark.parametrize(
    ("path", "command"), commands(), ids=lambda value: "-".join(value) if type(value) is tuple else ""
)
def test_every_command_that_prints_results_prints_json(path: tuple[str, ...], command: click.Command) -> None:
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert ("--json" in flags) is (path not in WITHOUT_JSON)


def test_every_option_has_a_variable_of_its_own_or_one_for_all_servers() -> None:
    variables = [
        parameter.envvar
        for _, command in commands()
        for parameter in command.params
        if isinstance(parameter, click.Option)
    ]
    assert all(str(variable).startswith("SMSERVE_") for variable in variables)
    own = [variable for variable in variables if variable not in SHARED]
    assert len(own) == len(set(own))


def test_defaults_and_where_they_come_from(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSERVE_SERVE_PORT", "50099")
    monkeypatch.setenv("SMSERVE_SERVE_READ_ONLY", "1")
    monkeypatch.setenv("SMSERVE_SERVER", "10.0.0.1:1")
    found = document(run("config", "show", "--json"))
    settings = {(each["command"], each["option"]): each for each in found["settings"]}
    assert settings["serve", "--port"] == {
        "command": "serve",
        "option": "--port",
        "value": 50099,
        "source": "environment",
        "variable": "SMSERVE_SERVE_PORT",
    }
    assert (settings["serve", "--read-only"]["value"], settings["serve", "--read-only"]["source"]) == (
        True,
        "environment",
    )
    assert (settings["search", "--server"]["value"], settings["embed", "--server"]["value"]) == ("10.0.0.1:1",) * 2
    assert (settings["search", "--top-k"]["value"], settings["search", "--top-k"]["source"]) == (10, "default")
    assert settings["search", "--min-score"]["value"] is None
    assert found["limits"]["bytes of a message"] == MAX_MESSAGE_BYTES


def test_what_is_shown_is_what_is_used(run: Run, address: str, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSERVE_SERVER", address)
    monkeypatch.setenv("SMSERVE_SEARCH_TOP_K", "3")
    picture = next(iter(sorted(pictures.rglob("*.png"))))
    assert len(document(run("search", picture, "--json"))["hits"]) == 3
    assert len(document(run("search", picture, "--json", "--top-k", 2))["hits"]) == 2


def test_one_command_s_table(run: Run) -> None:
    result = run("config", "show", "serve")
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split("\t") == ["command", "option", "value", "from", "variable"]
    assert {row.split("\t")[0] for row in rows} == {"serve"}
    assert run("config", "show", "nobody").exit_code == 2


def test_a_wrong_variable_is_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSERVE_SERVE_PORT", "many")
    result = run("config", "show")
    assert result.exit_code == 2
    assert "'many' is not a valid integer" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_SMSERVE_COMPLETE" in result.stdout
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=result.stdout, capture_output=True, text=True, timeout=30, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_an_unknown_shell(run: Run) -> None:
    assert run("completion", "tcsh").exit_code == 2


def test_what_a_shell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    completer = ShellComplete(smserve, {}, "smserve", "_SMSERVE_COMPLETE")
    assert {item.value for item in completer.get_completions([], "se")} == {"serve", "search"}
    assert "--max-in-flight" in {item.value for item in completer.get_completions(["serve"], "--max")}

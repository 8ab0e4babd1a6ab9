"""The file of settings in docs/operations.md is one that the commands take."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from smserve.cli.configuration import SHARED_TABLE
from smserve.cli.root import smserve
from smserve.cli.settings import own_variable, walk_commands

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_key_of_the_example_sets_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    Path("smserve.toml").write_text(example, encoding="utf-8")
    for folder in ("photos.gallery", "galleries/cars-2026"):
        Path(folder).mkdir(parents=True)
    for file in ("server.pem", "server.key", "ca.pem", "shop.txt"):
        Path(file).touch()
    result = CliRunner().invoke(smserve, ["config", "show", "--json"])
    assert result.exit_code == 0, result.output
    document = tomllib.loads(example)
    shown = {
        (each["command"], each["option"].lstrip("-")): each["value"]
        for each in json.loads(result.stdout)["settings"]
        if each["source"] == "file"
    }
    for key in document["serve"].keys() - {"gallery"}:
        assert shown["serve", key] == document["serve"][key]
    assert [name for name, _ in shown["serve", "gallery"]] == ["photos.gallery", "cars"]
    assert {key for command, key in shown if command == "info"} == document[SHARED_TABLE].keys()
    assert (shown["search", "top-k"], shown["index build", "workers"]) == (5, 4)


def test_the_options_that_commands_share_are_listed() -> None:
    sentence = re.findall(r"options that one variable sets for all commands: (.*?);", PAGE, re.DOTALL)[0]
    shared = {
        max(option.opts, key=len).lstrip("-")
        for path, command in walk_commands(smserve)
        for option in command.params
        if option.param_type_name == "option" and option.envvar != own_variable("SMSERVE", path, option)  # type: ignore[arg-type]  # is one
    }
    assert set(re.findall(r"`([\w-]+)`", sentence)) == shared

"""A server in this process for the commands to ask, and a way to run them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smserve.cli.root import smserve
from smserve.server import open_engine
from tests.support.running import running_server

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Run `smserve ARGS...` in this process."""

    def invoke(*args: object) -> Result:
        return CliRunner().invoke(smserve, [str(arg) for arg in args])

    return invoke


@pytest.fixture(scope="session")
def address(tiny_model: Path, drawn_gallery: Path) -> Iterator[str]:
    """Where the drawn gallery is served."""
    with running_server(open_engine(tiny_model, [("drawn", drawn_gallery)])) as server:
        yield server.address


def document(result: Result) -> Any:
    """The one JSON document on standard output of a command that did its work."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)

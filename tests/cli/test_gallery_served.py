"""`smserve gallery` on a running server: galleries made and dropped, further names, another model."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smserve.client import Client
from smserve.model_file import fingerprint
from smserve.server import open_engine
from smserve.types import UpsertItem
from tests.cli.conftest import Run, document
from tests.support.running import running_server


@pytest.fixture
def server(drawn_gallery: Path, tiny_model: Path, other_model: Path, tmp_path: Path) -> Iterator[str]:
    """A server of "photos", 24 pictures, with another model at hand."""
    shutil.copytree(drawn_gallery, tmp_path / "galleries" / "photos")
    (tmp_path / "models").mkdir()
    shutil.copy(other_model, tmp_path / "models")
    engine = open_engine(tiny_model, [], folder=tmp_path / "galleries", models=tmp_path / "models", writable=True)
    with running_server(engine) as running:
        yield running.address


def test_another_model_without_a_restart(
    run: Run, server: str, tiny_model: Path, other_model: Path, pictures: Path
) -> None:
    picture = pictures / "red" / "0.png"
    old, new = (fingerprint(model.read_bytes()) for model in (tiny_model, other_model))
    nothing = run("gallery", "activate", "--server", server)
    assert (nothing.exit_code, "has no model staged; stage it" in nothing.stderr) == (1, True)
    staged = run("gallery", "stage", "--server", server, "--model", other_model)
    assert staged.exit_code == 0, staged.output
    assert f"24 items embedded with model {new}" in staged.stderr
    models = document(run("gallery", "models", "--server", server, "--json"))
    assert [(each["state"], each["available"]) for each in models] == [("in use", True), ("staged", True)]
    for command in (["search", "--item-id", "red/0.png"], ["compare", picture, picture], ["embed", picture]):
        answers = [document(run(*command, "--server", server, *more, "--json")) for more in ([], ["--staged"])]
        assert [fingerprint_in(answer) for answer in answers] == [old, new], command
    activated = document(run("gallery", "activate", "--server", server, "--json"))
    assert (activated["model_fingerprint"], activated["previous_model_fingerprint"]) == (new, old)
    with Client(server) as client:
        assert client.search(item_id="red/0.png").model_fingerprint == new
    back = run("gallery", "activate", "--server", server, "--gallery-name", "photos", "--previous")
    assert f"is searched with model {old} now, before with {new}" in back.stderr
    assert "on the server" in run("gallery", "models", "--server", server).stdout
    refused = run("search", picture, "--server", server, "--staged")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "gallery 'photos' has no model staged beside the one in use" in refused.stderr
    by_name = document(run("gallery", "stage", "--server", server, "--fingerprint", new, "--json"))
    assert (by_name["ready"], by_name["embedded_count"]) == (True, 0)


def fingerprint_in(answer: Any) -> str:
    """The model that a command says it asked."""
    told = answer[0] if isinstance(answer, list) else answer.get("comparison", answer)
    return str(told["model_fingerprint"])


def test_items_whose_picture_is_gone_are_listed(run: Run, server: str, other_model: Path) -> None:
    with Client(server) as client:
        client.upsert([UpsertItem(item_id="v", vector=np.eye(8, dtype=np.float32)[0])])
    refused = run("gallery", "stage", "--server", server, "--model", other_model)
    assert refused.exit_code == 1
    assert "it has no picture on this machine" in refused.stdout
    assert "1 item can't be embedded" in refused.stderr


def test_galleries_come_and_go(run: Run, server: str) -> None:
    assert run("gallery", "create", "v2", "--server", server).exit_code == 0
    assert "leads to gallery photos" in run("gallery", "alias", "live", "photos", "--server", server).stderr
    moved = document(run("gallery", "alias", "live", "v2", "--server", server, "--expected", "photos", "--json"))
    assert moved == {"alias": "live", "gallery": "v2", "previous_gallery": "photos"}
    listed = document(run("gallery", "list", "--server", server, "--json"))
    assert [(each["name"], each["item_count"], each["aliases"]) for each in listed] == [
        ("photos", 24, []),
        ("v2", 0, ["live"]),
    ]
    assert "v2" in run("gallery", "list", "--server", server).stdout
    assert run("gallery", "alias", "live", "--delete", "--server", server).exit_code == 0
    assert run("gallery", "drop", "photos", "--server", server).exit_code == 1  # nobody said yes
    dropped = run("gallery", "drop", "photos", "--yes", "--server", server)
    assert "gallery photos is gone, with 24 items" in dropped.stderr
    assert [each["name"] for each in document(run("gallery", "list", "--server", server, "--json"))] == ["v2"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("activate",),
        ("stage", "--server", "127.0.0.1:1"),
        ("stage", ".", "--server", "127.0.0.1:1"),
        ("stage", "."),
        ("models",),
        ("activate", ".", "--fingerprint", "f"),
        ("alias", "a"),
        ("alias", "a", "b", "--delete"),
    ],
)
def test_wrong_use_is_said_in_a_line(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("gallery", *arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_nobody_there(run: Run) -> None:
    for arguments in (("list",), ("create", "x"), ("drop", "x", "--yes"), ("alias", "a", "b"), ("models",)):
        result = run("gallery", *arguments, "--server", "127.0.0.1:1")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")

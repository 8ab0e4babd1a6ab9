"""`smserve search`: table, JSON, picture, and what goes wrong."""

import socket
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run, document
from tests.support.hostile import corrupt_png, huge_png


def test_a_table_for_pipes(run: Run, address: str, pictures: Path) -> None:
    result = run("search", pictures / "red" / "0.png", "--server", address, "--top-k", 3)
    assert result.exit_code == 0, result.output
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[0] == ["rank", "score", "label", "item", "payload"]
    assert [line[0] for line in lines[1:]] == ["1", "2", "3"]
    assert lines[1][3] == "red/0.png"
    assert lines[1][1] == "1.0000"


def test_json(run: Run, address: str) -> None:
    found = document(run("search", "--item-id", "red/0.png", "--server", address, "--top-k", 2, "--json"))
    assert found["query"] == {"item_id": "red/0.png"}
    assert len(found["hits"]) == 2
    assert set(found["hits"][0]) == {"item_id", "score", "probability", "label", "payload"}
    assert found["gallery"] == "drawn"
    assert len(found["model_fingerprint"]) == 64


@pytest.mark.parametrize("by_item", [False, True])
def test_a_picture_of_it(run: Run, address: str, pictures: Path, tmp_path: Path, by_item: bool) -> None:
    query = ["--item-id", "red/1.jpg"] if by_item else [str(pictures / "red" / "1.jpg")]
    sheet = tmp_path / "out.png"
    result = run("search", *query, "--server", address, "--picture", sheet)
    assert result.exit_code == 0, result.output
    assert f"wrote {sheet}" in result.stderr
    with Image.open(sheet) as image:
        assert image.width > 1000
        colors = image.convert("RGB").getcolors(1 << 20)
        assert colors is not None
        assert len(colors) > 20


def test_a_picture_of_no_known_ending(run: Run, address: str, pictures: Path, tmp_path: Path) -> None:
    result = run("search", pictures / "red" / "0.png", "--server", address, "--picture", tmp_path / "out.xyz")
    assert result.exit_code == 1
    assert "can't be written to" in result.stderr


def test_no_hits_is_no_failure(run: Run, address: str) -> None:
    result = run("search", "--item-id", "red/0.png", "--server", address, "--min-score", 2)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No hits.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--item-id", "nobody.png"], "nobody.png"),
        (["--item-id", "red/0.png", "--top-k", "0"], "top_k is 0; wanted at least 1 and at most 1000"),
        (["--item-id", "red/0.png", "--gallery", "birds"], "galleries served: 'drawn'"),
        (["nowhere.jpg"], "there is no file 'nowhere.jpg'"),
    ],
)
def test_failures_are_one_line(run: Run, address: str, arguments: list[str], message: str) -> None:
    result = run("search", "--server", address, *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    ("data", "message"),
    [(corrupt_png(), "damaged"), (huge_png(), "170,300,000 pixels"), (b"hello", "no JPEG, PNG or WebP")],
    ids=["corrupt", "170 megapixels", "text"],
)
def test_bad_pictures(run: Run, address: str, tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    result = run("search", path, "--server", address)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr


def test_without_a_server_it_says_how_to_start_one(run: Run, pictures: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    result = run("search", pictures / "red" / "0.png", "--server", address)
    assert result.exit_code == 1
    assert f"Error: no server answers at {address}" in result.stderr
    assert "smserve serve --model" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a.png", "--item-id", "b"]])
def test_usage(run: Run, arguments: list[str]) -> None:
    result = run("search", *arguments)
    assert result.exit_code == 2
    assert "give either a PICTURE or --item-id ID" in result.stderr

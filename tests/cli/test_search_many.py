"""`smserve search` with several pictures, and embed and compare with the model of a gallery."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document


@pytest.fixture
def paths(pictures: Path) -> list[Path]:
    return sorted(pictures.rglob("*.png"))[:3]


def test_a_list_of_documents(run: Run, address: str, paths: list[Path]) -> None:
    found = document(run("search", *paths, "--top-k", 2, "--server", address, "--json"))
    assert [each["query"] for each in found] == [str(path) for path in paths]
    assert [len(each["hits"]) for each in found] == [2, 2, 2]
    assert found[0]["exhausted"] is False
    alone = document(run("search", paths[0], "--top-k", 2, "--server", address, "--json"))
    assert alone == found[0]


def test_a_table_that_begins_with_the_query(run: Run, address: str, paths: list[Path]) -> None:
    lines = run("search", *paths, "--top-k", 2, "--server", address).stdout.splitlines()
    assert lines[0].split("\t")[0] == "query"
    assert [line.split("\t")[0] for line in lines[1:]] == [str(path) for path in paths for _ in range(2)]


def test_some_can_not_be_read(run: Run, address: str, paths: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    result = run("search", paths[0], bad, tmp_path / "missing.png", "--server", address, "--json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert ["error" in each for each in found] == [False, True, True]
    assert "2 of 3 searches failed." in result.stderr
    table = run("search", paths[0], bad, "--server", address)
    assert table.exit_code == 3
    assert "error: " in table.stdout
    assert run("search", bad, bad, "--server", address).exit_code == 1
    assert run("search", bad, "--server", address).exit_code == 1


def test_a_sheet_of_several(run: Run, address: str, paths: list[Path], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert run("search", *paths, "--server", address, "--picture", sheet).exit_code == 0
    assert sheet.stat().st_size > 1000


def test_a_pinned_model(run: Run, address: str, paths: list[Path]) -> None:
    for command in (["search", paths[0]], ["embed", paths[0]], ["compare", *paths[:2]]):
        refused = run(*command, "--server", address, "--expect-model", "0" * 64)
        assert (refused.exit_code, "model" in refused.stderr) == (1, True)
        assert run(*command, "--server", address, "--gallery", "nobody").exit_code == 1
        assert run(*command, "--server", address, "--gallery", "drawn").exit_code == 0

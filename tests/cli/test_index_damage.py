"""`smserve index verify` and `smserve index repair`."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from smserve.cli.output import counted
from tests.cli.conftest import Run, document


@pytest.fixture
def gallery(drawn_gallery: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn_gallery, tmp_path / "g"))


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_sound_gallery(run: Run, gallery: Path) -> None:
    result = run("index", "verify", "--gallery", gallery)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"gallery {gallery}: 24 sound items, sound generations: 1; nothing is wrong" in result.stderr
    found = document(run("index", "verify", "--gallery", gallery, "--json"))
    assert found["sound"] is True
    assert (found["items"], found["generations"], found["findings"]) == (24, [1], [])
    result = run("index", "repair", "--gallery", gallery)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"gallery {gallery} is sound: 24 items" in result.stderr


def test_damage_is_found_and_repaired(run: Run, gallery: Path) -> None:
    damage(gallery / "generations" / "000001" / "index.faiss")
    result = run("index", "verify", "--gallery", gallery)
    assert result.exit_code == 1
    header, finding = (line.split("\t") for line in result.stdout.splitlines())
    assert header == ["where", "what is wrong", "effect"]
    assert finding[0] == "generations/000001"
    assert "index.faiss fails its checksum" in finding[1]
    assert finding[2].startswith("answers stay right")
    result = run("index", "verify", "--gallery", gallery, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["place"] == "generations/000001"
    result = run("index", "repair", "--gallery", gallery)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "generation 2 made from the rows"
    assert "what was replaced is kept in " in result.stderr
    assert run("index", "verify", "--gallery", gallery).exit_code == 0


def test_loss_is_listed_and_accepted_only_when_asked_for(run: Run, gallery: Path) -> None:
    with sqlite3.connect(gallery / "gallery.sqlite") as connection:
        connection.execute("UPDATE items SET label = 'x' WHERE key = 3")
    connection.close()
    result = run("index", "repair", "--gallery", gallery)
    assert result.exit_code == 1
    assert "(key 3) fails its checksum" in result.stderr
    assert "restore the gallery from a copy, or go on with --accept-loss" in result.stderr
    result = run("index", "repair", "--gallery", gallery, "--accept-loss", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["sound"], len(report["lost"])) == (0, True, 2)
    assert document(run("index", "verify", "--gallery", gallery, "--json"))["items"] == 23


@pytest.mark.parametrize("command", ["verify", "repair"])
def test_what_is_no_gallery(run: Run, command: str, tmp_path: Path) -> None:
    result = run("index", command, "--gallery", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path} is no gallery (it has no gallery.sqlite); check the path\n"
    assert run("index", command, "--gallery", tmp_path / "nothing").exit_code == 2


def test_the_damage_of_a_staged_model_is_found_and_repair_lists_it(run: Run, gallery: Path, other_model: Path) -> None:
    assert run("gallery", "stage", gallery, "--model", other_model).exit_code == 0
    assert "; staged model: 24 sound items; nothing is wrong" in run("index", "verify", "--gallery", gallery).stderr
    (folder,) = (gallery / "models").iterdir()
    damage(folder / "generations" / "000001" / "vectors.f32")
    for command in ("verify", "repair"):
        result = run("index", command, "--gallery", gallery)
        assert result.exit_code == 1
        _, finding = (line.split("\t") for line in result.stdout.splitlines())
        assert finding[0] == "staged model: generations/000001"
        assert "smserve gallery discard" in finding[2]
    assert run("gallery", "discard", gallery).exit_code == 0
    assert run("index", "verify", "--gallery", gallery).exit_code == 0


def test_one_is_counted_as_one() -> None:
    assert [counted(number, "item") for number in (0, 1, 1234)] == ["0 items", "1 item", "1,234 items"]
    assert [counted(number, "query", "queries") for number in (1, 2)] == ["1 query", "2 queries"]

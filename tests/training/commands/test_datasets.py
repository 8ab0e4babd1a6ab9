import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.training.datasets.trees import write_cub, write_inshop
from training.__main__ import main


def ask(*arguments: object, exit_code: int = 0, columns: int = 120) -> Result:
    result = CliRunner().invoke(main, ["datasets", *map(str, arguments)], env={"COLUMNS": str(columns)})
    assert result.exit_code == exit_code, result.output
    return result


@pytest.mark.parametrize("columns", [80, 160])
def test_the_list_says_what_is_there_and_how_to_get_the_rest(columns: int, tmp_path: Path) -> None:
    write_inshop(tmp_path / "inshop")
    text = ask("list", "--data-dir", tmp_path, columns=columns).stdout
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "cub absent 100 / 5,864 100 / 5,924" in rows
    assert "inshop unpacked 3,997 / 25,882 3,985 / 14,218 3,985 / 12,612" in rows
    for part in (f"into {tmp_path / 'cars196'}", "SMSERVE_SOP_URL", "non-commercial", "cars196-official", "folder:DIR"):
        assert part in text


def test_the_list_is_the_default(tmp_path: Path) -> None:
    assert ask("--data-dir", tmp_path).stdout == ask("list", "--data-dir", tmp_path).stdout
    entries = json.loads(ask("--json", "--data-dir", tmp_path).stdout)
    assert [entry["name"] for entry in entries] == ["emoji", "cub", "cars196", "sop", "inshop"]
    assert ask().stdout.split()[0] == "name"
    assert "verify" in ask("--help").stdout


def test_verify_ends_with_1_where_something_is_wrong(tmp_path: Path) -> None:
    root = write_cub(tmp_path / "tree")
    name = f"cub:{root}"
    assert "WRONG: " in ask("verify", name, "--data-dir", tmp_path, exit_code=1).stdout
    good = ask("verify", name, "--allow-subset", "--data-dir", tmp_path).stdout.splitlines()
    assert "24 pictures decoded, 0 unreadable" in good
    assert good[-1] == f"{name}: all right"
    broken = root / "images" / "001.Bird_1" / "Bird_0001.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    text = ask("verify", name, "--allow-subset", "--data-dir", tmp_path, exit_code=1).stdout
    assert "23 pictures decoded, 1 unreadable" in text
    assert str(broken) in text
    document = json.loads(ask("verify", name, "--allow-subset", "--json", "--data-dir", tmp_path, exit_code=1).stdout)
    assert (document["ok"], document["unreadable"]) == (False, 1)


def test_verify_counts_what_it_does_not_name(tmp_path: Path) -> None:
    root = write_cub(tmp_path / "tree")
    for path in root.glob("images/*/Bird*.jpg"):
        path.write_bytes(b"x")
    text = ask("verify", f"cub:{root}", "--allow-subset", exit_code=1).stdout
    assert "  and 14 more" in text


@pytest.mark.parametrize("mode", ["squash", "shortest_side"])
def test_prepare_decodes_where_training_looks(mode: str, tmp_path: Path) -> None:
    write_inshop(tmp_path / "tree")
    command = ("prepare", f"inshop:{tmp_path / 'tree'}", "--allow-subset", "--size", 16, "--mode", mode)
    result = ask(*command, "--data-dir", tmp_path / "data")
    assert "a part of In-Shop" in result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["train", "12", "pictures"],
        ["test", "6", "pictures"],
        ["gallery", "6", "pictures"],
    ]
    prepared = json.loads(ask(*command, "--json", "--data-dir", tmp_path / "data").stdout)
    assert {Path(split["file"]) for split in prepared} == set((tmp_path / "data" / "decoded").iterdir())
    assert np.load(prepared[0]["file"]).shape == (12, 16, 16, 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "birds"], "Error: data set is 'birds'; wanted one of emoji, cub"),
        (["prepare", "sop"], "Error: data set sop is not there: put Stanford_Online_Products.zip (3,083,860,082 bytes"),
        (["prepare", "folder:none"], "Error: data set folder none does not exist"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMSERVE_SOP_URL", raising=False)
    (error,) = ask(*arguments, "--data-dir", tmp_path, exit_code=1).stderr.splitlines()
    assert error.startswith(says)


@pytest.mark.parametrize(
    "arguments", [["birds"], ["prepare", "emoji", "--size", "0"], ["prepare", "emoji", "--mode", "fit"]]
)
def test_wrong_use_is_explained(arguments: list[str]) -> None:
    assert "Error: " in ask(*arguments, exit_code=2).stderr

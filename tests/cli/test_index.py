"""`smserve index build` and `smserve index evaluate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document
from tests.support.hostile import corrupt_png
from tests.support.pictures import COLORS, draw, encode

SMSERVE = Path(sys.executable).with_name("smserve")


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_folder_of_pictures_becomes_a_gallery(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    result = run("index", "build", "--model", tiny_model, "--images", pictures, "--gallery", tmp_path / "g")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"gallery {tmp_path / 'g'}: 24 items, generation 1, in " in result.stderr
    assert " images/s" in result.stderr


def test_a_csv_with_labels_and_payload_is_searched(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    rows = write_csv(
        tmp_path / "catalogue.csv",
        "path,label,id,price",
        f"{pictures}/red/0.png,warm,sku-1,3.50",
        f"{pictures}/blue/0.png,cold,sku-2,4",
    )
    built = document(run("index", "build", "--model", tiny_model, "--csv", rows, "--gallery", tmp_path / "g", "--json"))
    assert (built["items"], built["unreadable"], built["generation"]) == (2, [], 1)
    command = [str(SMSERVE), "index", "evaluate", "--queries", str(rows), "--model", str(tiny_model)]
    evaluated = subprocess.run(
        [*command, "--gallery", str(tmp_path / "g"), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    report = json.loads(evaluated.stdout)
    assert report["recall"] == {"1": 0.0, "2": 0.0, "4": 0.0, "8": 0.0}  # nobody but oneself has one's label
    assert report["queries"] == 2


def test_unreadable_pictures_are_left_out_and_told(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "good.png").write_bytes(encode(draw("red")))
    (folder / "bad.png").write_bytes(corrupt_png())
    result = run("index", "build", "--model", tiny_model, "--images", folder, "--gallery", tmp_path / "g")
    assert result.exit_code == 3
    assert ": 1 item, generation 1" in result.stderr
    assert str(folder / "bad.png") in result.stderr
    report = tmp_path / "g" / "build-report.json"
    assert f"all are listed in {report}" in result.stderr
    assert [entry["item_id"] for entry in json.loads(report.read_text())["unreadable"]] == ["bad.png"]


def test_a_finished_gallery_is_not_overwritten(run: Run, tiny_model: Path, pictures: Path, drawn_gallery: Path) -> None:
    result = run("index", "build", "--model", tiny_model, "--images", pictures, "--gallery", drawn_gallery)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {drawn_gallery} holds a finished gallery")


def test_a_truncated_model(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(tiny_model.read_bytes()[:500])
    result = run("index", "build", "--model", cut, "--images", pictures, "--gallery", tmp_path / "g")
    assert result.exit_code == 1
    assert f"Error: model file {cut} (500 bytes) can't be loaded" in result.stderr
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("arguments", [[], ["--images", ".", "--csv", __file__]])
def test_build_takes_a_folder_or_a_csv(run: Run, tiny_model: Path, tmp_path: Path, arguments: list[str]) -> None:
    result = run("index", "build", "--model", tiny_model, "--gallery", tmp_path / "g", *arguments)
    assert result.exit_code == 2
    assert "give either --images DIR or --csv FILE" in result.stderr


def test_recall_through_a_running_server(run: Run, address: str, pictures: Path, tmp_path: Path) -> None:
    queries = write_csv(
        tmp_path / "queries.csv",
        "path,label,id",
        *[f"{pictures}/{color}/0.png,{color},{color}/0.png" for color in COLORS],
        "missing.png,red,missing",
    )
    result = run("index", "evaluate", "--queries", queries, "--server", address, "--k", 1, "--k", 23)
    assert result.exit_code == 3
    header, at_1, at_23 = (line.split("\t") for line in result.stdout.splitlines())
    assert header == ["measure", "value"]
    assert (at_1[0], at_23) == ("Recall@1", ["Recall@23", "1.0000"])  # all others are among the 23 nearest
    assert "not counted: " in result.stderr
    assert "6 queries on gallery drawn, generation 1; 1 not counted" in result.stderr


def test_a_foreign_model_is_refused(run: Run, other_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    queries = write_csv(tmp_path / "queries.csv", "path,label", "a.png,a")
    result = run("index", "evaluate", "--queries", queries, "--model", other_model, "--gallery", drawn_gallery)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "was built with model" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--model", "m.onnx"], ["--server", "127.0.0.1:1", "--model", "m.onnx"]])
def test_evaluate_takes_a_server_or_model_and_gallery(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    queries = write_csv(tmp_path / "queries.csv", "path,label", "a.png,a")
    result = run("index", "evaluate", "--queries", queries, *arguments)
    assert result.exit_code == 2
    assert "give either --server HOST:PORT, or --model FILE and --gallery DIR" in result.stderr


def test_recall_by_class_and_the_out_of_gallery_rate(run: Run, address: str, pictures: Path, tmp_path: Path) -> None:
    rows = [f"{pictures}/{color}/0.png,{color},{color}/0.png" for color in COLORS]
    queries = write_csv(tmp_path / "queries.csv", "path,label,id", *rows)
    unknown = write_csv(tmp_path / "unknown.csv", "path,label", f"{pictures}/red/1.jpg,nobody", "missing.png,x")
    command = ("index", "evaluate", "--queries", queries, "--server", address, "--k", 1)
    result = run(*command, "--by-class", "--unknown", unknown, "--threshold", "-1", "--threshold", "0.5")
    assert result.exit_code == 3  # one of the unknown is missing
    tables = [[line.split("\t") for line in part.splitlines()] for part in result.stdout.split("\n\n")]
    assert [table[0] for table in tables] == [
        ["measure", "value"],
        ["class", "queries", "Recall@1", "confused with"],
        ["threshold", "known accepted", "known accepted, right label", "unknown accepted", "unknown rejected"],
    ]
    assert [row[0] for row in tables[0][1:]] == ["Recall@1", "Recall@1, mean of classes"]
    assert {row[0] for row in tables[1][1:]} == set(COLORS)
    assert tables[2][1][:2] == ["-1.00", "1.0000"]
    assert tables[2][1][3:] == ["1.0000", "0.0000"]
    assert "1 unknown queries; threshold " in result.stderr
    report = json.loads(run(*command, "--unknown", unknown, "--json").stdout)
    assert {each["label"] for each in report["by_class"]} == set(COLORS)
    assert (report["out_of_gallery"]["known"], report["out_of_gallery"]["unknown"]) == (6, 1)


def test_thresholds_need_unknown_queries(run: Run, tmp_path: Path) -> None:
    queries = write_csv(tmp_path / "queries.csv", "path,label", "a.png,a")
    result = run("index", "evaluate", "--queries", queries, "--server", "127.0.0.1:1", "--threshold", "0.5")
    assert (result.exit_code, "--threshold needs --unknown CSV" in result.stderr) == (2, True)

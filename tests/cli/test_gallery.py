"""`smserve gallery`: out and in again, copied and restored, and on to another model."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from smserve.embedder import Embedder
from smserve.gallery import LocalGallery, LocalGalleryWriter
from tests.cli.conftest import Run, document
from tests.support.pictures import COLORS


@pytest.fixture
def gallery(drawn_gallery: Path, tmp_path: Path) -> Path:
    """24 pictures of 6 colours, free to be changed."""
    return shutil.copytree(drawn_gallery, tmp_path / "g")


def item_count(gallery: Path, model: Path) -> int:
    reader = LocalGallery.open(gallery, model_fingerprint=Embedder(model).fingerprint)
    try:
        return reader.info().item_count
    finally:
        reader.close()


def test_export_and_import(run: Run, gallery: Path, tiny_model: Path, other_model: Path, tmp_path: Path) -> None:
    exported = run("gallery", "export", gallery, tmp_path / "items.parquet")
    assert exported.exit_code == 0, exported.output
    assert (
        f"{tmp_path / 'items.parquet'}: 24 items, D=8, of model {Embedder(tiny_model).fingerprint}" in exported.stderr
    )
    imported = document(run("gallery", "import", tmp_path / "items.parquet", tmp_path / "new", "--json"))
    assert (imported["added"], imported["replaced"], imported["generation"]) == (24, 0, 1)
    assert item_count(tmp_path / "new", tiny_model) == 24
    again = run("gallery", "import", tmp_path / "items.parquet", tmp_path / "new", "--model", tiny_model)
    assert "0 items added, 0 replaced, 24 there already" in again.stderr
    foreign = run("gallery", "import", tmp_path / "items.parquet", tmp_path / "new", "--model", other_model)
    assert (foreign.exit_code, foreign.stderr[:33]) == (1, f"Error: the vectors of {tmp_path}"[:33])
    missing = run("gallery", "import", tmp_path / "items.parquet", tmp_path / "new", "--model", tmp_path / "none.onnx")
    assert missing.stderr.startswith(f"Error: model file {tmp_path / 'none.onnx'} can't be read")


def test_snapshot_and_restore(run: Run, gallery: Path, tiny_model: Path, tmp_path: Path) -> None:
    made = run("gallery", "snapshot", gallery, tmp_path / "s.tar")
    assert made.exit_code == 0, made.output
    assert f"{tmp_path / 's.tar'}: 24 items up to write" in made.stderr
    restored = document(run("gallery", "restore", tmp_path / "s.tar", tmp_path / "new", "--json"))
    assert (restored["item_count"], restored["generation"]) == (24, 1)
    assert item_count(tmp_path / "new", tiny_model) == 24
    data = bytearray((tmp_path / "s.tar").read_bytes())
    data[data.index(b"SQLite format 3") + 100] ^= 1
    (tmp_path / "s.tar").write_bytes(data)
    damaged = run("gallery", "restore", tmp_path / "s.tar", tmp_path / "other")
    assert damaged.exit_code == 1
    assert "part gallery.sqlite fails its checksum; nothing was restored" in damaged.stderr


def test_the_way_to_another_model_and_back(
    run: Run, gallery: Path, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    staged = run("gallery", "stage", gallery, "--model", other_model)
    assert staged.exit_code == 0, staged.output
    assert f"24 items embedded with model {Embedder(other_model).fingerprint}" in staged.stderr
    assert [each["state"] for each in document(run("gallery", "models", gallery, "--json"))] == ["in use", "staged"]
    compared = run("gallery", "compare", gallery, "--k", 1)
    rows = dict(line.split("\t", 1) for line in compared.stdout.splitlines() if "\t" in line)
    assert {"Recall@1", "overlap of the 10 nearest", "same nearest item"} < rows.keys()
    assert "24 queries, 24 of them labelled" in compared.stderr
    with LocalGalleryWriter(gallery, model_fingerprint=Embedder(tiny_model).fingerprint, dimension=8):
        locked = run("gallery", "activate", gallery)
        assert locked.exit_code == 1
        assert "is being written to by process" in locked.stderr
    activated = run("gallery", "activate", gallery)
    assert f"is searched with model {Embedder(other_model).fingerprint}, 24 items" in activated.stderr
    assert item_count(gallery, other_model) == 24
    assert run("gallery", "activate", gallery, "--previous").exit_code == 0
    assert item_count(gallery, tiny_model) == 24
    assert run("gallery", "discard", gallery, "--previous").exit_code == 0
    table = run("gallery", "models", gallery).stdout.splitlines()
    assert [line.split("\t")[0] for line in table] == ["state", "in use"]
    nothing = run("gallery", "discard", gallery)
    assert (nothing.exit_code, "no model staged" in nothing.stderr) == (1, True)


def test_what_can_not_be_embedded_is_listed(
    run: Run, tiny_model: Path, other_model: Path, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "photos")
    run("index", "build", "--model", tiny_model, "--images", tmp_path / "photos", "--gallery", tmp_path / "g")
    (tmp_path / "photos" / "red" / "0.png").unlink()
    refused = run("gallery", "stage", tmp_path / "g", "--model", other_model)
    assert refused.exit_code == 1
    assert refused.stdout.splitlines() == [
        "item\tsource\twhy",
        f"red/0.png\t{tmp_path / 'photos' / 'red' / '0.png'}\tNo such file or directory",
    ]
    assert "1 item can't be embedded" in refused.stderr
    as_json = run("gallery", "stage", tmp_path / "g", "--model", other_model, "--json")
    assert json.loads(as_json.stdout)["refused"][0]["item_id"] == "red/0.png"
    discarded = run("gallery", "discard", tmp_path / "g")
    assert discarded.exit_code == 0, discarded.output


def test_comparing_with_pictures(
    run: Run, gallery: Path, pictures: Path, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    run("gallery", "stage", gallery, "--model", other_model)
    rows = [f"{pictures}/{color}/0.png,{color},{color}/0.png" for color in COLORS]
    (tmp_path / "q.csv").write_text("\n".join(["path,label,id", *rows, "missing.png,red,x"]) + "\n")
    models = ("--model-in-use", tiny_model, "--model", other_model)
    result = run("gallery", "compare", gallery, "--queries", tmp_path / "q.csv", *models, "--json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert (found["queries"], found["labelled"], len(found["unreadable"])) == (6, 6, 1)
    alone = run("gallery", "compare", gallery, "--queries", tmp_path / "q.csv")
    assert (alone.exit_code, "give --queries, --model-in-use and --model together" in alone.stderr) == (2, True)


def test_duplicates(run: Run, gallery: Path, tmp_path: Path) -> None:
    """A low threshold, so that the drawn pictures have some."""
    found = run("gallery", "duplicates", gallery, "--threshold", "0.5", "--output", tmp_path / "pairs.csv")
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines()[0] == "cosine\titem\tlabel\tother item\tother label"
    with (tmp_path / "pairs.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    counted = document(run("gallery", "duplicates", gallery, "--threshold", "0.5", "--json"))
    assert counted["pairs"] == len(rows) == len(counted["listed"]) > 0
    assert f"{counted['pairs']:,} pairs, {counted['across_labels']:,} of them across labels" in found.stderr


def test_a_build_counts_near_duplicates(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(pictures, tmp_path / "photos")
    shutil.copy(photos / "red" / "0.png", photos / "blue" / "stray.png")
    command = ("index", "build", "--model", tiny_model, "--images", photos, "--gallery")
    options = ("--near-duplicates", "0.9999", "--near-duplicates-file", tmp_path / "pairs.csv")
    built = run(*command, tmp_path / "g", *options, "--json")
    counts = document(built)["near_duplicates"]
    assert (counts["threshold"], counts["across_labels"], counts["is_exact"]) == (0.9999, 1, True)
    assert counts["pairs"] == 1
    assert "near-duplicates, cosine 0.9999 or more: 1 pair, 1 of them across labels" in built.stderr
    assert json.loads((tmp_path / "g" / "build-report.json").read_text())["near_duplicates"] == counts
    with (tmp_path / "pairs.csv").open(encoding="utf-8", newline="") as text:
        first = next(csv.DictReader(text))
    assert {first["item_id"], first["other_item_id"]} == {"red/0.png", "blue/stray.png"}
    assert document(run(*command, tmp_path / "g2", "--near-duplicates", "0", "--json"))["near_duplicates"] is None
    nowhere = run(*command, tmp_path / "g3", "--near-duplicates-file", tmp_path / "nowhere" / "pairs.csv")
    assert (nowhere.exit_code, (tmp_path / "g3").exists()) == (1, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "nowhere", "x.parquet"),
        ("snapshot", "nowhere", "x.tar"),
        ("stage", "nowhere", "--model"),
        ("compare", "nowhere"),
        ("activate", "nowhere"),
        ("discard", "nowhere"),
        ("models", "nowhere"),
        ("duplicates", "nowhere"),
    ],
)
def test_no_gallery_is_one_line_on_standard_error(
    run: Run, tiny_model: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    paths = [tmp_path / each if each in {"nowhere", "x.parquet", "x.tar"} else each for each in arguments]
    result = run("gallery", *paths, *([tiny_model] if "--model" in arguments else []))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "nowhere").exists()

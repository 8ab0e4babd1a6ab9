import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.training.tiny import paper_config
from training.__main__ import main
from training.config import TrainConfig
from training.datasets import Dataset
from training.recipes import PAPER_ROWS, PUBLISHED, RECIPES, TABLES, paper_recipes

pytestmark = pytest.mark.usefixtures("tiny_runs")


def small() -> TrainConfig:
    config = paper_config()
    sampler = replace(config.sampler, per_anchor=2, random_epochs=1, neighbours="graph")
    return replace(config, epochs=3, sampler=sampler)


@pytest.fixture
def hues_table() -> Iterator[None]:
    """Registers a table of a small network, as a new one would be."""
    TABLES["hues"] = small
    recipes = paper_recipes("hues", small)
    RECIPES.update(recipes)
    yield
    del TABLES["hues"]
    for name in recipes:
        del RECIPES[name]


def ask(*arguments: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(each) for each in ("table", *arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == exit_code, result.output
    return result


@pytest.mark.usefixtures("hues_table")
def test_every_row_is_trained_and_shown_with_its_spread(hues: Dataset, tmp_path: Path) -> None:
    options = (
        "hues",
        "--dataset",
        hues.name,
        "--device",
        "cpu",
        "--run-dir",
        tmp_path,
        "--data-dir",
        tmp_path / "data",
    )
    lines = ask(*options, "--seed", 0, "--seed", 1, "--row", "adaptive", "--row", "triplet-global").stdout.splitlines()
    runs = [
        json.loads((tmp_path / "table-hues" / f"adaptive-{seed}" / "evaluation.json").read_text(encoding="utf-8"))
        for seed in (0, 1)
    ]
    (shown,) = (line for line in lines if PAPER_ROWS["adaptive"].title in line)
    low, high = sorted(100 * run["recall_at_1"] for run in runs)
    assert f"{(low + high) / 2:.1f} ({low:.1f} - {high:.1f})" in shown
    assert any(PAPER_ROWS["triplet-global"].title in line for line in lines)
    # Asked again for more, it trains what is missing.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("last.pt")}
    text = ask(*options, "--seed", 0).stdout
    assert all(row.title in text for row in PAPER_ROWS.values())
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(tmp_path.rglob("evaluation.json"))) == 2 + len(PAPER_ROWS)


@pytest.mark.usefixtures("hues_table")
def test_the_papers_figures_stand_below(hues: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PUBLISHED, "hues", PUBLISHED["cub"])
    options = ("--dataset", hues.name, "--device", "cpu", "--run-dir", tmp_path, "--data-dir", tmp_path / "data")
    lines = ask("hues", *options, "--seed", 0, "--epochs", 1, "--row", "graph").stdout.splitlines()
    (place,) = (number for number, line in enumerate(lines) if PAPER_ROWS["graph"].title in line)
    assert [each in lines[place + 1] for each in ("the paper", "58.10", "45.90", "57.65", "69.63", "79.83")] == [
        True
    ] * 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["imagenet"], "Error: table is 'imagenet'; wanted one of cub, cars196, emoji"),
        (["cub", "--row", "best"], "Error: row is 'best'; wanted one of semi-hard, triplet-global"),
    ],
)
def test_what_there_is_not_is_named(arguments: list[str], says: str) -> None:
    assert says in ask(*arguments, exit_code=1).stderr

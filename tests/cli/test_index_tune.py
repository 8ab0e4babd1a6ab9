"""`smserve index tune`, `index build --recall|--min-recall`, and the recall that `info` shows of a running server."""

import shutil
from pathlib import Path

import pytest

from smserve.gallery.tuning import read_choice
from smserve.server import open_engine
from tests.cli.conftest import Run, document
from tests.support.running import running_server


@pytest.fixture
def place(drawn_gallery: Path, tmp_path: Path) -> Path:
    """A copy of the drawn gallery: 24 items."""
    return shutil.copytree(drawn_gallery, tmp_path / "drawn")


def test_it_prints_and_stores_what_it_chose(run: Run, place: Path) -> None:
    result = run("index", "tune", "--gallery", place, "--recall", 0.9)
    assert result.exit_code == 0, result.output
    assert "recall@10" in result.stdout.splitlines()[0]
    assert "Flat" in result.stdout
    assert "24 x 8; the next generation gets it" in result.stderr
    stored = read_choice(place)
    assert stored is not None
    assert (stored.choice.index, stored.recall) == ("Flat", 0.9)


def test_a_dry_run_stores_nothing(run: Run, place: Path) -> None:
    found = document(
        run("index", "tune", "--gallery", place, "--index", "HNSW8", "--dry-run", "--recall", 0.1, "--json")
    )
    assert found["chosen"]["index"] == "HNSW8"
    assert found["trials"][0]["recall"]["recall_at_10"] > 0.1
    assert read_choice(place) is None


@pytest.mark.parametrize("limit", [("--memory", "1"), ("--latency-ms", "0.000001")])
def test_nothing_within_the_limits(run: Run, place: Path, limit: tuple[str, str]) -> None:
    result = run("index", "tune", "--gallery", place, *limit)
    assert result.exit_code == 1
    assert "misses" in result.stdout
    assert "Nothing was stored" in result.stderr
    assert read_choice(place) is None


@pytest.mark.parametrize("size", ["much", "0", "-1MiB", "1XB"])
def test_a_size_that_is_none(run: Run, place: Path, size: str) -> None:
    result = run("index", "tune", "--gallery", place, "--memory", size)
    assert result.exit_code == 2
    assert "512MiB" in result.stderr


def test_a_build_holds_its_recall(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    folder = ("--images", pictures, "--gallery", tmp_path / "built", "--recall", 0.9, "--min-recall", 0.9)
    assert document(run("index", "build", "--model", tiny_model, *folder, "--json"))["items"] == 24


def test_info_shows_the_recall_of_live_searches(run: Run, tiny_model: Path, place: Path, pictures: Path) -> None:
    with running_server(open_engine(tiny_model, [("drawn", place)], check_every=1)) as server:
        assert "not measured" in run("info", "--server", server.address).stdout
        for _ in range(200):  # each is compared aside; one after it sees the figure
            assert run("search", pictures / "red" / "0.png", "--server", server.address).exit_code == 0
            shown = run("info", "--server", server.address).stdout
            if "not measured" not in shown:
                break
        assert "1.0000 of " in shown

"""`smserve serve --check`: everything is looked at, nothing is served, and nothing is changed."""

import shutil
from pathlib import Path

import pytest

from smserve.gallery import LiveGallery
from tests.cli.conftest import Run


def files(folder: Path) -> dict[str, bytes]:
    """Return all but what SQLite puts beside a file that is read."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_it_prints_what_would_be_served(run: Run, tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(drawn_gallery, own)
    before = files(own)
    options = ["--model", tiny_model, "--gallery", f"mine={own}", "--port", 0, "--max-in-flight", 3]
    result = run("serve", *options, "--check")
    assert result.exit_code == 0, result.output
    lines = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in result.stdout.splitlines()}
    assert lines["address"].startswith("127.0.0.1:")
    assert lines["address"].endswith(", plaintext, any caller")
    assert lines["workers"] == "1, 3 calls at a time each"
    assert lines["model"].startswith("tiny-0, 8 dimensions, ")
    assert lines["gallery"] == "mine, 24 items, generation 1, Flat, read and written"
    assert "MiB at rest, at most " in lines["memory"]
    assert files(own) == before
    two = run("serve", *options, "--workers", 2, "--check")
    assert "mine, 24 items, generation 1, Flat, read only" in two.stdout
    assert "memory   2 workers: " in two.stdout


def test_what_is_wrong_is_said(
    run: Run, tiny_model: Path, other_model: Path, drawn_gallery: Path, address: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(drawn_gallery, own)
    served = ("--model", tiny_model, "--gallery", own)
    with LiveGallery.open(own):
        for options, message in (
            ((*served, "--port", address.rpartition(":")[2]), "the port is in use"),
            ((*served, "--port", 0), "is being written to by process "),
            ((*served, "--port", 0, "--memory-limit", 1000), "more memory than there is, 1,000 MiB"),
            ((*served, "--port", 0, "--keys", tmp_path / "none"), "smserve keys create"),
            (("--model", other_model, "--gallery", own, "--port", 0, "--read-only"), "was built with model"),
        ):
            result = run("serve", *options, "--check")
            assert result.exit_code == 1, result.output
            assert message in result.stderr
        for readers in (["--read-only"], ["--workers", 2]):
            assert run("serve", *served, "--port", 0, *readers, "--check").exit_code == 0


@pytest.mark.parametrize("option", [["--metrics-port"], ["--health-port"]])
def test_every_port_is_looked_at(run: Run, tiny_model: Path, address: str, option: list[str]) -> None:
    result = run("serve", "--model", tiny_model, "--port", 0, *option, address.rpartition(":")[2], "--check")
    assert result.exit_code == 1
    assert f"choose another port with {option[0]}" in result.stderr or f"another with {option[0]}" in result.stderr

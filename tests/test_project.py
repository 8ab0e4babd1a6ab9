"""What the project says about itself is true: versions, targets, links, benchmarks."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TARGETS = "help setup demo train table evaluate export index serve lint test check bench clean"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_changelog_begins_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == version


def test_make_lists_every_target_with_a_line_of_help() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    lines = dict(line.split(maxsplit=1) for line in listed.splitlines())
    assert list(lines) == TARGETS.split()
    assert all(len(text) > 10 for text in lines.values())


def test_every_make_command_in_the_docs_has_its_target() -> None:
    for page in PAGES:
        for target in re.findall(r"^\s*make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert target in TARGETS.split(), f"{page.name}: make {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_benchmarks_are_listed_with_a_line_each() -> None:
    command = [sys.executable, "-m", "benchmarks"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "\ndef main(" in path.read_text("utf-8")}
    assert set(names) == files - {"__main__"}
    assert {"demo", "evaluation", "mining", "paper"} <= set(names)
    unknown = subprocess.run([*command, "nothing"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert unknown.returncode == 2
    assert "no benchmark 'nothing'" in unknown.stderr


def test_a_measure_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.evidence import describe_machine, print_measure

    print_measure("demo.recall_at_1", [0.5, 0.4, 0.45], goal=0.4, better="higher")
    assert json.loads(capsys.readouterr().out) == {
        "measure": "demo.recall_at_1",
        "value": 0.45,
        "goal": 0.4,
        "better": "higher",
        "spread": [0.4, 0.5],
        "n": 3,
    }
    print_measure("demo.share", [0.0000123456, 2.000012], better="lower")
    assert json.loads(capsys.readouterr().out)["spread"] == [0.00001235, 2.0]
    assert "cores" in describe_machine()

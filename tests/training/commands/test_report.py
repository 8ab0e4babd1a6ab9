import json
import os
import shlex
from pathlib import Path

import pytest

from tests.training.test_main import ask, folders
from training.commands.repeat import repeat_command
from training.config import TrainConfig
from training.trainer import RunFolder

pytestmark = pytest.mark.usefixtures("tiny_runs")
__all__ = ["folders"]  # the fixture: a run that the command trained


def test_a_run_ends_with_a_page_and_event_files(folders: tuple[Path, Path]) -> None:
    run = folders[0] / "first"
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<title>first</title>" in page
    assert "--name first-again" in page
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))


def test_a_page_is_written_again(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    result = ask("report", runs / "first", "-o", tmp_path / "pages" / "one.html", "--data-dir", data)
    page = tmp_path / "pages" / "one.html"
    assert result.stdout == f"wrote {page} ({page.stat().st_size:,} bytes)\n"
    assert "<title>first</title>" in page.read_text(encoding="utf-8")


def test_a_resumed_run_writes_the_page_only_where_it_is_missing(folders: tuple[Path, Path]) -> None:
    runs, data = folders
    folder = RunFolder(runs / "first")
    words = shlex.split(repeat_command(folder))[3:]
    words[words.index("--name") + 1] = "first"
    again = (*words, "--run-dir", runs, "--data-dir", data, "--device", "cpu", "--resume")
    assert "report" not in ask(*again).stderr
    folder.report_file.unlink()
    assert f"report: {folder.report_file}" in ask(*again).stderr
    assert folder.report_file.exists()


def test_without_a_page_a_run_is_as_good(folders: tuple[Path, Path]) -> None:
    runs, data = folders
    folder = RunFolder(runs / "first")
    folder.report_file.unlink()
    folder.report_file.mkdir()  # where no file can be written
    os.utime(folder.report_file, (0, 0))
    words = shlex.split(repeat_command(folder))[3:]
    words[words.index("--name") + 1] = "first"
    result = ask(*words, "--run-dir", runs, "--data-dir", data, "--device", "cpu", "--resume")
    folder.report_file.rmdir()
    assert f"no report: report {folder.report_file} can't be written" in result.stderr
    assert f"again with: python -m training report {folder.path}" in result.stderr
    assert "recall_at_1" in result.stdout


def test_the_command_repeats_the_settings(folders: tuple[Path, Path]) -> None:
    folder = RunFolder(folders[0] / "first")
    words = shlex.split(repeat_command(folder))
    assert words[:4] == ["python", "-m", "training", "train"]
    assert "first-again" in words
    printed = ask(*words[3:], "--print-config").stdout
    assert TrainConfig.from_dict(json.loads(printed)) == folder.read_config()[0]


def test_a_recipe_that_is_gone_is_repeated_by_its_settings(folders: tuple[Path, Path], tmp_path: Path) -> None:
    document = json.loads((folders[0] / "first" / "config.json").read_text(encoding="utf-8"))
    document["config"]["recipe"] = "of-yesterday"
    document["accepted"] = {"allow_subset": True, "allow_shared_classes": False}
    folder = RunFolder(tmp_path / "old run")
    folder.path.mkdir()
    folder.config_file.write_text(json.dumps(document), encoding="utf-8")
    words = shlex.split(repeat_command(folder))
    assert words[-3:] == ["--config", str(folder.config_file), "--allow-subset"]


def test_what_is_no_finished_run_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    stderr = ask("report", tmp_path / "none", exit_code=1).stderr
    assert f"{tmp_path}/none is no run: it has no config.json" in stderr
    stderr = ask("report", runs / "first", runs / "first", "--data-dir", data, exit_code=1).stderr
    assert "two runs are named 'first'" in stderr
    assert "--help" in ask("report", exit_code=2).stderr

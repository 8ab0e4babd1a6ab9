import json
import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smserve.embedder import Embedder
from training.__main__ import main
from training.datasets import Dataset
from training.datasets.load import CUB_URL_VARIABLE
from training.recipes import RECIPES

pytestmark = pytest.mark.usefixtures("tiny_runs")


def ask(*arguments: object, exit_code: int = 0) -> Result:
    """Run a command; whatever goes wrong is one line on standard error, never a traceback."""
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    if exit_code == 1:
        assert result.stderr.splitlines()[-1].startswith("Error: ")
        assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
    return result


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, hues: Dataset, tiny_runs: None) -> tuple[object, ...]:
    """Options of a run that was trained by the command: where runs and data are kept."""
    root = tmp_path_factory.mktemp("command")
    ask(
        *("train", "--dataset", hues.name, "--recipe", "tiny-classes", "--name", "first", "--epochs", 2),
        *("--run-dir", root / "runs", "--data-dir", root / "data", "--device", "cpu"),
    )
    return root / "runs", root / "data"


def test_train_says_what_it_does_and_what_comes_next(hues: Dataset, tmp_path: Path) -> None:
    result = ask(
        *("train", "--dataset", hues.name, "--recipe", "tiny-classes", "--epochs", 1, "--seed", 3),
        *("--run-dir", tmp_path / "runs", "--data-dir", tmp_path / "data", "--device", "cpu", "--weights", "none"),
    )
    assert f"{hues.name}: train 80 pictures of 10 classes" in result.stderr
    assert f"recipe tiny-classes, run folder {tmp_path}/runs/tiny-classes" in result.stderr
    assert "epoch 1/1  loss" in result.stderr
    assert "validation Recall@1" in result.stderr
    assert f"next: python -m training export {tmp_path}/runs/tiny-classes" in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        *("recall_at_1", "recall_at_2", "recall_at_4", "recall_at_8", "map_at_r", "nmi", "pictures", "classes")
    ]
    config = json.loads((tmp_path / "runs" / "tiny-classes" / "config.json").read_text(encoding="utf-8"))["config"]
    assert (config["seed"], config["epochs"], config["model"]["weights"]) == (3, 1, "none")


def test_train_refuses_a_finished_run_and_resume_shows_it(folders: tuple[Path, Path], hues: Dataset) -> None:
    runs, data = folders
    again = ("train", "--dataset", hues.name, "--recipe", "tiny-classes", "--name", "first", "--epochs", 2)
    options = ("--run-dir", runs, "--data-dir", data, "--device", "cpu")
    assert f"run {runs}/first is finished; choose another --name" in ask(*again, *options, exit_code=1).stderr
    assert "recall_at_1" in ask(*again, *options, "--resume").stdout


def test_evaluate_repeats_the_runs_figures(folders: tuple[Path, Path]) -> None:
    runs, data = folders
    expected = json.loads((runs / "first" / "evaluation.json").read_text(encoding="utf-8"))
    options = (runs / "first", "--data-dir", data, "--device", "cpu")
    assert json.loads(ask("evaluate", *options, "--json").stdout) == expected
    assert f"recall_at_1   {expected['recall_at_1']:.4f}" in ask("evaluate", *options).stdout
    assert json.loads(ask("evaluate", *options, "--untrained", "--json").stdout) != expected


def test_export_writes_a_model_that_a_server_loads(folders: tuple[Path, Path], tmp_path: Path) -> None:
    runs, data = folders
    ask("export", runs / "first", "--data-dir", data)
    embedder = Embedder(runs / "first" / "model.onnx")
    result = ask("export", runs / "first", "--data-dir", data, "--output", tmp_path / "other.onnx")
    assert f"wrote {tmp_path}/other.onnx (" in result.stdout
    assert f"fingerprint {embedder.fingerprint}" in result.stdout


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_what_is_no_run_is_refused(command: str, tmp_path: Path) -> None:
    stderr = ask(command, tmp_path / "none", exit_code=1).stderr
    assert stderr == f"Error: {tmp_path}/none is no run: it has no config.json; train one, or check the path\n"


def test_recipes_lists_all_in_a_line_each() -> None:
    lines = ask("recipes").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert all(len(line.split()) > 3 for line in lines)


def test_datasets_is_there_with_its_own_commands() -> None:
    text = ask("datasets", "--help").stdout
    assert [each in text for each in ("list", "verify", "prepare")] == [True] * 3


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_without_cubs_archive_one_line_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CUB_URL_VARIABLE, f"http://127.0.0.1:{closed_port()}/CUB_200_2011.tgz")
    result = ask("train", "--dataset", "cub", "--run-dir", tmp_path / "runs", "--data-dir", tmp_path, exit_code=1)
    (error,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert "CUB_200_2011.tgz" in error
    assert str(tmp_path / "cub") in error
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "imagenet"], "data set is 'imagenet'; wanted one of emoji, cub"),
        (["--dataset", "folder:nowhere"], "nowhere"),
        (["--dataset", "folder:{pictures}", "--recipe", "fast"], "recipe is 'fast'; wanted one of emoji, emoji-random"),
        (["--dataset", "folder:{pictures}", "--weights", "{pictures}/none.pth"], "there is no file of weights"),
        (
            ["--dataset", "folder:{pictures}", "--run-dir", "{pictures}", "--name", "red/0.png/run"],
            "run folder .* can't be written",
        ),
    ],
)
def test_what_train_cant_do_is_said_in_one_line(
    arguments: list[str], says: str, pictures: Path, tmp_path: Path
) -> None:
    filled = [each.replace("{pictures}", str(pictures)) for each in arguments]
    defaults = ["--run-dir", str(tmp_path / "runs"), "--data-dir", str(tmp_path / "data"), "--device", "cpu"]
    stderr = ask("train", *defaults, *filled, exit_code=1).stderr
    (error,) = (line for line in stderr.splitlines() if line.startswith("Error: "))
    assert re.search(says, error)


@pytest.mark.parametrize(
    "arguments", [["train"], ["train", "--dataset", "emoji", "--epochs", "0"], ["evaluate"], ["fit"]]
)
def test_wrong_use_is_explained(arguments: list[str]) -> None:
    assert "--help" in ask(*arguments, exit_code=2).stderr


def test_help_shows_every_command() -> None:
    text = ask("--help").stdout
    for command in ("train", "evaluate", "export", "table", "recipes", "datasets"):
        assert command in text
        assert ask(command, "--help").stdout.startswith("Usage:")

import json
from pathlib import Path

import pytest

from tests.training.test_main import ask, folders
from training.datasets import Dataset

pytestmark = pytest.mark.usefixtures("tiny_runs")
__all__ = ["folders"]  # the fixture: a run that the command trained


@pytest.fixture(scope="module")
def model_file(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs, data = folders
    output = tmp_path_factory.mktemp("exported") / "model.onnx"
    ask("export", runs / "first", "--data-dir", data, "--output", output)
    return output


def test_a_model_file_retrieves_as_its_run_did(folders: tuple[Path, Path], hues: Dataset, model_file: Path) -> None:
    runs, data = folders
    expected = json.loads((runs / "first" / "evaluation.json").read_text(encoding="utf-8"))
    options = ("--model", model_file, "--dataset", hues.name, "--data-dir", data)
    found = json.loads(ask("evaluate", *options, "--json").stdout)
    assert list(found) == list(expected)
    assert {name: found[name] for name in expected if name.startswith("recall")} == {
        name: value for name, value in expected.items() if name.startswith("recall")
    }
    two = json.loads(ask("evaluate", *options, "--recall-at", 1, "--recall-at", 16, "--json").stdout)
    assert [name for name in two if name.startswith("recall")] == ["recall_at_1", "recall_at_16"]
    assert two["recall_at_1"] == expected["recall_at_1"]


def test_own_pictures_must_be_named(model_file: Path) -> None:
    stderr = ask("evaluate", "--model", model_file, exit_code=1).stderr
    assert "was trained on folder:hues, which it doesn't say the place of; give --dataset" in stderr


@pytest.mark.parametrize("arguments", [[], ["{run}", "--model", "{model}"]])
def test_one_thing_is_judged(arguments: list[str], folders: tuple[Path, Path], model_file: Path) -> None:
    filled = [each.format(run=folders[0] / "first", model=model_file) for each in arguments]
    assert "wanted either the folder of a run or --model FILE" in ask("evaluate", *filled, exit_code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "{model}", "--untrained"], "--untrained is of a run"),
        (["{run}", "--dataset", "emoji"], "--dataset and --recall-at need --model"),
        (["--model", "{run}/none.onnx"], "none.onnx can't be read"),
        (["--model", "{run}/config.json"], "can't be loaded"),
    ],
)
def test_what_cant_be_judged_is_said(
    arguments: list[str], says: str, folders: tuple[Path, Path], model_file: Path
) -> None:
    run = folders[0] / "first"
    filled = [each.format(run=run, model=model_file) for each in arguments]
    assert says in ask("evaluate", *filled, exit_code=1).stderr

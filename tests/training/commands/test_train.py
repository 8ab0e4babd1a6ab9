"""Settings of `python -m training train`: a recipe or a file, then options, then `--set`."""

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from training.__main__ import main
from training.config import TrainConfig
from training.datasets import Dataset
from training.recipes import RECIPES

pytestmark = pytest.mark.usefixtures("tiny_runs")


def ask(*arguments: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    return result


def printed(*arguments: object) -> TrainConfig:
    """What --print-config says; nothing else is on standard output, and nothing is fetched or trained."""
    return TrainConfig.from_dict(json.loads(ask("train", *arguments, "--print-config").stdout))


def test_a_recipe_is_printed_as_it_is() -> None:
    assert printed("--dataset", "emoji") == RECIPES["emoji"].make()
    assert printed("--dataset", "folder:nowhere", "--recipe", "tiny") == RECIPES["tiny"].make()


def test_options_change_the_recipe_and_set_comes_last() -> None:
    config = printed(
        *("--dataset", "emoji", "--seed", 3, "--epochs", 2, "--weights", "none", "--max-pictures", 500),
        *("--set", "sampler.batch_size=64", "--set", "optimizer.learning_rate=1e-3", "--set", "epochs=5"),
        *("--set", "model.backbone=torchvision:resnet18"),
    )
    assert (config.seed, config.epochs, config.max_pictures, config.model.weights) == (3, 5, 500, "none")
    assert (config.sampler.batch_size, config.optimizer.learning_rate) == (64, 1e-3)
    assert (config.model.backbone, config.recipe) == ("torchvision:resnet18", "emoji")


def test_what_was_printed_is_read_back(tmp_path: Path) -> None:
    first = ask("train", "--dataset", "emoji", "--set", "seed=4", "--set", "model.pooling=gem", "--print-config").stdout
    (tmp_path / "mine.json").write_text(first, encoding="utf-8")
    again = printed("--dataset", "emoji", "--config", tmp_path / "mine.json")
    assert again == TrainConfig.from_dict(json.loads(first))
    assert (again.seed, again.model.pooling) == (4, "gem")
    assert printed("--dataset", "emoji", "--config", tmp_path / "mine.json", "--seed", 5).seed == 5


def test_a_run_is_repeated_from_its_folder(hues: Dataset, tmp_path: Path) -> None:
    places = ("--run-dir", tmp_path / "runs", "--data-dir", tmp_path / "data", "--device", "cpu")
    options = ("--recipe", "tiny-classes", "--epochs", 1, "--set", "model.dimension=8")
    ask("train", "--dataset", hues.name, *options, *places, "--name", "first")
    first = tmp_path / "runs" / "first"
    again = ("--config", first / "config.json", "--name", "again")
    ask("train", "--dataset", hues.name, *again, *places)
    for name in ("config.json", "evaluation.json"):
        assert json.loads((first / name).read_text()) == json.loads((tmp_path / "runs" / "again" / name).read_text())
    (start,) = json.loads((first / "environment.json").read_text(encoding="utf-8"))
    assert start["data"]["test"]["classes"] == 12
    assert not start["resumed"]

    ask("export", first, "--data-dir", tmp_path / "data")
    model = (first / "model.onnx").read_bytes()
    assert b"folder:hues" in model
    assert str(tmp_path).encode() not in model
    assert str(Path(hues.name.partition(":")[2]).parent).encode() not in model


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "sampler.batchsize=3"], "setting sampler.batchsize is unknown; did you mean sampler.batch_size?"),
        (["--set", "sampler.batch_size=one"], "setting sampler.batch_size is 'one'; wanted int"),
        (["--set", "model.backbone=resnet81"], "backbone is 'resnet81'; wanted"),
        (["--recipe", "emojj"], "did you mean emoji"),
        (["--config", "nowhere.json"], "there is no config nowhere.json"),
        (["--config", "nowhere.json", "--recipe", "emoji"], "wanted one of the two"),
    ],
)
def test_what_cant_be_is_said_in_one_line_before_anything_is_fetched(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    places = ("--run-dir", tmp_path / "runs", "--data-dir", tmp_path / "data")
    stderr = ask("train", "--dataset", "emoji", *arguments, *places, exit_code=1).stderr
    assert stderr.startswith("Error: ")
    assert says in stderr
    assert not list(tmp_path.iterdir())


def test_a_run_that_could_not_start_leaves_its_name_free(hues: Dataset, tmp_path: Path) -> None:
    places = ("--run-dir", tmp_path / "runs", "--data-dir", tmp_path / "data", "--device", "cpu")
    options = ("train", "--dataset", hues.name, "--recipe", "tiny-classes", "--epochs", 1, "--name", "first", *places)
    missing = ("--set", "model.backbone=efficientnet_lite0", "--weights", tmp_path / "none.pth")
    assert "there is no file of weights" in ask(*options, *missing, exit_code=1).stderr
    small = ("--set", "model.backbone=squeezenet1_1", "--weights", "none", "--set", "model.input_size=8")
    assert "squeezenet1_1 can't take pictures of 8 x 8 pixels" in ask(*options, *small, exit_code=1).stderr
    assert not (tmp_path / "runs" / "first").exists()
    ask(*options)


def complete(*arguments: str) -> list[str]:
    *before, incomplete = arguments
    shell = ShellComplete(main, {}, "smserve-training", "_SMSERVE_TRAINING_COMPLETE")
    return [item.value for item in shell.get_completions(before, incomplete)]


def test_the_shell_completes_commands_recipes_and_settings() -> None:
    assert complete("tr") == ["train"]
    assert "--print-config" in complete("train", "--pr")
    assert {"emoji", "emoji-random"} <= set(complete("train", "--recipe", "emoji"))
    assert complete("train", "--set", "sampler.batch") == ["sampler.batch_size="]
    assert complete("train", "--set", "optimizer.kind=s") == ["optimizer.kind=sgd"]
    assert complete("train", "--set", "model.pooling=") == [
        f"model.pooling={each}" for each in ("own", "mean", "max", "both", "gem", "multilevel")
    ]

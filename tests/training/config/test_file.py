import json
from dataclasses import replace
from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from tests.training.tiny import classes_config
from training.config import read_config_file

CONFIG = replace(classes_config(), seed=7)


@pytest.mark.parametrize("document", [CONFIG.to_dict(), {"config": CONFIG.to_dict(), "dataset": "emoji"}])
def test_what_was_printed_and_a_runs_config_are_read_back(document: object, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_config_file(path) == CONFIG


def test_toml_by_hand_with_defaults_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'recipe = "mine"\nrecall_at = [1, 10]\n[resize]\nsize = 32\nheight = 32\nwidth = 32\n'
        '[model]\nbackbone = "resnet18"\n[optimizer]\nlearning_rate = 1e-3\n',
        encoding="utf-8",
    )
    found = read_config_file(path)
    assert (found.recipe, found.recall_at, found.model.backbone) == ("mine", (1, 10), "resnet18")
    assert (found.optimizer.learning_rate, found.epochs, found.model.pooling) == (1e-3, 20, "own")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.json", None, "there is no config"),
        ("cut.json", '{"recipe": "a"', "is no JSON"),
        ("binary.json", "\udcff", "is no JSON"),
        ("cut.toml", "recipe = ", "is no TOML"),
        ("list.json", "[1]", "settings of a run are [1]; wanted names with values"),
        ("typo.json", '{"recipe": "a", "modle": {}}', "setting modle is unknown; did you mean model?"),
        ("empty.json", "{}", "setting recipe is missing"),
    ],
)
def test_what_is_no_config_is_refused_by_name(name: str, content: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InvalidInput) as caught:
        read_config_file(path)
    assert says in caught.value.message
    assert str(path) in caught.value.message


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be read"):
        read_config_file(tmp_path)

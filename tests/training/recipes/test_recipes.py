import dataclasses
import json

import pytest

from smserve.errors import InvalidInput
from training.config import TrainConfig
from training.model import BACKBONES
from training.recipes import RECIPES, find_recipe
from training.recipes.benchmark_sets import cub
from training.recipes.emoji import emoji, emoji_paper, emoji_random


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_can_be_run_and_written_down(name: str) -> None:
    config = RECIPES[name].make()
    assert config.recipe == name
    assert config.model.backbone in BACKBONES
    assert len(RECIPES[name].summary.split()) > 3
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("dataset", "recipe"),
    [
        ("emoji", "emoji"),
        ("cub", "cub"),
        ("cub:somewhere", "cub"),
        ("cub-official", "cub"),
        ("cars196", "cars196"),
        ("sop:somewhere", "sop"),
        ("inshop", "inshop"),
        ("folder:pictures", "photos"),
        ("csv:list.csv", "photos"),
    ],
)
def test_each_data_set_has_a_recipe_of_its_own(dataset: str, recipe: str) -> None:
    assert find_recipe(None, dataset).recipe == recipe
    assert find_recipe("emoji-adaptive", dataset).recipe == "emoji-adaptive"


def test_an_unknown_recipe_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        InvalidInput, match="recipe is 'fast'; wanted one of emoji, emoji-random, emoji-smart-plus, photos"
    ):
        find_recipe("fast", "emoji")


def test_cub_is_the_papers() -> None:
    config = cub()
    assert (config.model.backbone, config.model.dimension, config.epochs) == ("googlenet", 64, 20)
    assert (config.loss.pair, config.loss.ratio_margin, config.loss.global_margin) == ("triplet_ratio", 0.2, 0.01)
    assert (config.sampler.kind, config.sampler.random_epochs, config.sampler.list_length) == ("triplets", 2, 200)
    assert (config.optimizer.learning_rate, config.optimizer.weight_decay) == (0.1, 5e-4)
    assert (config.controller.kind, config.sampler.neighbours) == ("constant_target", "graph")


def test_the_control_differs_in_mining_alone() -> None:
    mined, control = emoji(), emoji_random()
    assert (mined.sampler.mined_share, control.sampler.mined_share) == (0.3, 0)
    back = dataclasses.replace(control, recipe="emoji", epochs=mined.epochs, sampler=mined.sampler)
    assert back == mined


@pytest.mark.parametrize("name", ["emoji", "photos"])
def test_smart_plus_is_the_recipe_with_a_bank(name: str) -> None:
    base, plus = RECIPES[name].make(), RECIPES[f"{name}-smart-plus"].make()
    assert (plus.sampler.embeddings, plus.sampler.random_epochs, plus.controller.error_of) == ("bank", 1, "mined")
    assert (
        dataclasses.replace(plus.sampler, embeddings="pass", random_epochs=base.sampler.random_epochs) == base.sampler
    )
    assert (plus.loss, plus.augmentation, plus.optimizer) == (
        base.loss,
        base.augmentation,
        base.optimizer,
    )


@pytest.mark.parametrize("name", ["emoji", "photos", "cub", "cars196", "sop", "inshop"])
def test_every_data_set_has_a_smart_plus(name: str) -> None:
    base, plus = RECIPES[name].make(), RECIPES[f"{name}-smart-plus"].make()
    assert plus.recipe == f"{name}-smart-plus"
    assert (plus.finish.augmented, plus.finish.head, plus.model.pooling) == (False, "discriminant", "multilevel")
    assert (plus.sampler.kind, plus.sampler.embeddings, plus.loss.pair) == ("classes", "bank", "multi_similarity")
    assert dataclasses.replace(plus.model, pooling="own") == base.model
    assert (plus.resize, plus.recall_at) == (base.resize, base.recall_at)


def test_the_papers_method_on_the_demos_pictures() -> None:
    config = emoji_paper()
    assert (config.sampler.kind, config.loss) == ("triplets", cub().loss)
    assert (config.resize, config.augmentation) == (emoji().resize, emoji().augmentation)

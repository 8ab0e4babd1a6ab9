"""Recipes: a run is a function that returns a frozen config. `python -m training recipes` lists them."""

from collections.abc import Callable

from smserve.errors import InvalidInput
from training.config import TrainConfig
from training.recipes.cub import cub
from training.recipes.emoji import emoji, emoji_paper, emoji_random
from training.recipes.photos import photos

__all__ = ["RECIPES", "find_recipe"]

Recipe = Callable[[], TrainConfig]

RECIPES: dict[str, Recipe] = {
    "cub": cub,
    "emoji": emoji,
    "emoji-random": emoji_random,
    "emoji-paper": emoji_paper,
    "photos": photos,
}

_DEFAULTS = {"cub": "cub", "emoji": "emoji", "folder": "photos", "csv": "photos"}


def find_recipe(name: str | None, dataset: str) -> TrainConfig:
    """Return a recipe's config; without a name, the data set's own.

    Raises:
        InvalidInput: There is no such recipe or data set.
    """
    if name is None:
        name = _DEFAULTS.get(dataset.partition(":")[0], "photos")
    if name not in RECIPES:
        raise InvalidInput(f"recipe is {name!r}; wanted one of {', '.join(RECIPES)}", field="recipe")
    return RECIPES[name]()

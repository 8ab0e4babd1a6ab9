"""Recipes: a run is a function that returns a frozen config. `python -m training recipes` lists them."""

from smserve.errors import InvalidInput
from training.config import TrainConfig
from training.config.nearest import did_you_mean
from training.recipes.benchmark_sets import cars196, cub, inshop, sop
from training.recipes.emoji import emoji, emoji_paper, emoji_random
from training.recipes.paper_rows import PAPER_ROWS, PaperRow, paper_recipes
from training.recipes.photos import photos
from training.recipes.published import PUBLISHED, PublishedRow
from training.recipes.recipe import Recipe
from training.recipes.smart_plus import (
    cars196_smart_plus,
    cub_smart_plus,
    emoji_smart_plus,
    inshop_smart_plus,
    photos_smart_plus,
    sop_smart_plus,
)

__all__ = [
    "PAPER_ROWS",
    "PUBLISHED",
    "RECIPES",
    "TABLES",
    "PaperRow",
    "PublishedRow",
    "Recipe",
    "find_recipe",
    "paper_recipes",
]

RECIPES: dict[str, Recipe] = {
    "emoji": Recipe.of(emoji),
    "emoji-random": Recipe.of(emoji_random),
    "emoji-smart-plus": Recipe.of(emoji_smart_plus),
    "photos": Recipe.of(photos),
    "photos-smart-plus": Recipe.of(photos_smart_plus),
    "cub": Recipe.of(cub),
    "cub-smart-plus": Recipe.of(cub_smart_plus),
    "cars196": Recipe.of(cars196),
    "cars196-smart-plus": Recipe.of(cars196_smart_plus),
    "sop": Recipe.of(sop),
    "sop-smart-plus": Recipe.of(sop_smart_plus),
    "inshop": Recipe.of(inshop),
    "inshop-smart-plus": Recipe.of(inshop_smart_plus),
}

TABLES = {"cub": cub, "cars196": cars196, "emoji": emoji_paper}
"""Name of a table, and of its data set -> the whole method; its rows are recipes `<name>-<row>`."""

_RATES = {"emoji": {"semi-hard": 0.001}}  # chosen on the validation classes, as the base's was

for _name, _base in TABLES.items():
    RECIPES.update(paper_recipes(_name, _base, learning_rates=_RATES.get(_name)))

_DEFAULTS = {"emoji": "emoji", "cub": "cub", "cars196": "cars196", "sop": "sop", "inshop": "inshop"}


def find_recipe(name: str | None, dataset: str) -> TrainConfig:
    """Return a recipe's config; without a name, the data set's own.

    Raises:
        InvalidInput: There is no such recipe or data set.
    """
    if name is None:
        name = _DEFAULTS.get(dataset.partition(":")[0].removesuffix("-official"), "photos")
    if name not in RECIPES:
        raise InvalidInput(
            f"recipe is {name!r}; wanted one of {', '.join(RECIPES)}{did_you_mean(name, RECIPES)}", field="recipe"
        )
    return RECIPES[name].make()

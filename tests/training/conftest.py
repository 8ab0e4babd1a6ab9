"""Fixtures of runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.datasets import Dataset


@pytest.fixture(scope="session")
def tiny_runs() -> Iterator[None]:
    """Registers the small backbone and its recipes, as a new one would be."""
    from tests.training.tiny import TINY_RECIPES, TinyBackbone
    from training.model import BACKBONES
    from training.recipes import RECIPES

    BACKBONES["tiny"] = TinyBackbone
    RECIPES.update(TINY_RECIPES)
    yield
    del BACKBONES["tiny"]
    for name in TINY_RECIPES:
        del RECIPES[name]


@pytest.fixture(scope="session")
def hues(tmp_path_factory: pytest.TempPathFactory) -> "Dataset":
    """A folder a hue: 24 classes of 8 pictures."""
    from tests.training.tiny import write_hues

    return write_hues(tmp_path_factory.mktemp("data") / "hues")

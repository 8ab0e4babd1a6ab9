"""What a recipe is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from training.config import TrainConfig

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A way to train.

    Attributes:
        summary: A line for the list of recipes.
        make: Returns the settings.
    """

    summary: str
    make: Callable[[], TrainConfig]

    @classmethod
    def of(cls, make: Callable[[], TrainConfig]) -> Self:
        """Take a function; the first line of its docstring is the summary."""
        return cls(summary=(make.__doc__ or "").partition("\n")[0], make=make)

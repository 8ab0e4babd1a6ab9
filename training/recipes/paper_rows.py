"""The rows of the paper's tables, as changes to a recipe of the whole method (Harwood et al., ICCV 2017, tables 1, 2).

The base is the last row: mined triplets, ratio and global loss, adaptive controller. Each row takes something away.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from training.config import LossConfig, TrainConfig
from training.recipes.recipe import Recipe

__all__ = ["PAPER_ROWS", "PaperRow", "paper_recipes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    """One row.

    Attributes:
        title: As the paper prints it; what it does not print is marked.
        change: From the base to the row.
        printed: Whether the paper has it.
    """

    title: str
    change: Callable[[TrainConfig], TrainConfig]
    printed: bool = True


def _semi_hard(base: TrainConfig) -> TrainConfig:
    """In-batch semi-hard triplets (FaceNet) on random classes; as many pictures a batch as the triplets have."""
    sampler = replace(base.sampler, kind="classes", batch_size=2 * base.sampler.batch_size, mined_share=0.0)
    return replace(base, sampler=sampler, loss=LossConfig(pair="semi_hard", global_weight=0.0))


def _triplet_global(base: TrainConfig) -> TrainConfig:
    return replace(base, sampler=replace(base.sampler, mined_share=0.0))


def _graph_global(base: TrainConfig) -> TrainConfig:
    return replace(base, controller=replace(base.controller, kind="fixed"))


def _graph(base: TrainConfig) -> TrainConfig:
    return replace(_graph_global(base), loss=replace(base.loss, global_weight=0.0))


def _adaptive(base: TrainConfig) -> TrainConfig:
    return base


def _adaptive_validation(base: TrainConfig) -> TrainConfig:
    return replace(base, controller=replace(base.controller, kind="validation_error"))


def _transposed(base: TrainConfig) -> TrainConfig:
    """The margins the other way round, as the global loss's own paper has them (arXiv 1512.09272)."""
    return replace(base, loss=replace(base.loss, ratio_margin=0.01, global_margin=0.4))


PAPER_ROWS: Final[Mapping[str, PaperRow]] = {
    "semi-hard": PaperRow(title="Semi-hard triplet", change=_semi_hard),
    "triplet-global": PaperRow(title="Triplet + global", change=_triplet_global),
    "graph": PaperRow(title="Triplet + FANNG", change=_graph),
    "graph-global": PaperRow(title="Triplet + FANNG + global", change=_graph_global),
    "adaptive": PaperRow(title="Triplet + FANNG + global + adaptive", change=_adaptive),
    "adaptive-validation": PaperRow(
        title="the same, target = validation error", change=_adaptive_validation, printed=False
    ),
    "transposed": PaperRow(title="the same as adaptive, margins transposed", change=_transposed, printed=False),
}


def paper_recipes(
    name: str, base: Callable[[], TrainConfig], *, learning_rates: Mapping[str, float] | None = None
) -> dict[str, Recipe]:
    """Return a recipe for each row, named `<name>-<row>`; rows may have learning rates of their own."""
    rates = learning_rates or {}
    return {
        f"{name}-{key}": Recipe(
            summary=f"a row of the paper's table for {name}: {row.title}",
            make=partial(_make, f"{name}-{key}", row, base, rates.get(key)),
        )
        for key, row in PAPER_ROWS.items()
    }


def _make(name: str, row: PaperRow, base: Callable[[], TrainConfig], rate: float | None) -> TrainConfig:
    config = replace(row.change(base()), recipe=name)
    if rate is None:
        return config
    return replace(config, optimizer=replace(config.optimizer, learning_rate=rate))

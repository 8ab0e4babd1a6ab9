from dataclasses import replace

import pytest

from training.config import TrainConfig
from training.recipes import PAPER_ROWS, PUBLISHED, find_recipe
from training.recipes.benchmark_sets import cub


def row(name: str, family: str = "cub") -> TrainConfig:
    return find_recipe(f"{family}-{name}", family)


@pytest.mark.parametrize("family", ["cub", "cars196", "emoji"])
def test_every_row_has_a_recipe(family: str) -> None:
    for name in PAPER_ROWS:
        assert row(name, family).recipe == f"{family}-{name}"


@pytest.mark.parametrize("family", ["cub", "cars196"])
def test_every_printed_row_has_the_papers_figures(family: str) -> None:
    assert PUBLISHED[family].keys() == {name for name, each in PAPER_ROWS.items() if each.printed}


def test_the_last_row_is_the_whole_method() -> None:
    assert replace(row("adaptive"), recipe="cub") == cub()


def test_each_row_takes_one_thing_away() -> None:
    adaptive, mined, no_global = row("adaptive"), row("graph-global"), row("graph")
    assert (adaptive.controller.kind, mined.controller.kind) == ("constant_target", "fixed")
    assert replace(mined, controller=adaptive.controller, recipe=adaptive.recipe) == adaptive
    assert (mined.loss.global_weight, no_global.loss.global_weight) == (1, 0)
    assert replace(no_global, loss=mined.loss, recipe=mined.recipe) == mined
    drawn = row("triplet-global")
    assert drawn.sampler.mined_share == 0
    assert replace(drawn, sampler=adaptive.sampler, recipe=adaptive.recipe) == adaptive


def test_semi_hard_mines_in_the_batch_alone() -> None:
    config = row("semi-hard")
    assert (config.loss.pair, config.loss.global_weight) == ("semi_hard", 0)
    assert (config.sampler.kind, config.sampler.mined_share) == ("classes", 0)


def test_the_margins_the_other_way_round() -> None:
    printed, transposed = row("adaptive").loss, row("transposed").loss
    assert (printed.ratio_margin, printed.global_margin) == (0.2, 0.01)
    assert (transposed.ratio_margin, transposed.global_margin) == (0.01, 0.4)


def test_the_target_is_the_validation_error() -> None:
    assert row("adaptive-validation").controller.kind == "validation_error"

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smserve.errors import InvalidInput
from training.controller import ConstantTarget, Controller, ValidationErrorTarget

SHARES = st.floats(0, 1)


def constant(first: float = 16.0, target: float = 0.5, **settings: Any) -> ConstantTarget:
    return ConstantTarget(target=target, first=first, prior_slope=-2 * first, **settings)


def validation(first: float = 16.0, **settings: Any) -> ValidationErrorTarget:
    return ValidationErrorTarget(first=first, prior_slope=-2 * first, **settings)


def test_the_first_epoch_moves_along_the_prior_and_all_of_it_is_told() -> None:
    controller = constant()
    # alpha_0 = -32; through (0.6, 16): 16 - 32 * (0.5 - 0.6) = 19.2
    step = controller.update(error=0.6)
    assert (step.error, step.before, step.target, step.slope) == (0.6, 16, 0.5, -32)
    assert (step.value, step.wanted, step.intercept) == pytest.approx((19.2, 19.2, 35.2))
    assert (step.clamp, step.line) == ("none", "prior: ill-conditioned")
    assert controller.value == pytest.approx(19.2)


def test_later_epochs_move_along_the_fitted_line() -> None:
    controller = constant(10, target=0.3, ridge=0.0, pairs=[(0.8, 4.0), (0.6, 8.0)])
    step = controller.update(error=0.5)  # kappa = 20 - 20 e through all three pairs; at 0.3 it is 14
    assert (step.slope, step.intercept, step.value) == pytest.approx((-20, 20, 14))
    assert step.line == "fitted"


def test_the_log_names_every_figure() -> None:
    assert constant().update(error=0.6).figures() == {
        "controller_target": 0.5,
        "controller_slope": -32,
        "controller_intercept": pytest.approx(35.2),
        "controller_line": "prior: ill-conditioned",
        "controller_wanted": pytest.approx(19.2),
        "controller_clamp": "none",
    }


@pytest.mark.parametrize(
    ("first", "error", "value", "wanted", "clamp"),
    [
        pytest.param(16, 1.0, 32, 32, "none", id="just twice"),  # 16 + 32 * 0.5
        pytest.param(16, 0.0, 8, 0, "step", id="at most half"),
        pytest.param(60, 1.0, 64, 120, "high", id="at most high"),
        pytest.param(1.5, 0.0, 1.0, 0, "low", id="at least low"),
        pytest.param(64, 1.0, 64, 128, "high", id="stays high"),
        pytest.param(1, 0.5, 1, 1, "none", id="stays"),
    ],
)
def test_clamps(first: float, error: float, value: float, wanted: float, clamp: str) -> None:
    step = constant(first).update(error=error)
    assert (step.value, step.wanted) == pytest.approx((value, wanted))
    assert step.clamp == clamp


def test_a_step_up_is_clamped_too() -> None:
    controller = ConstantTarget(first=4, prior_slope=-80)
    step = controller.update(error=0.9)  # 4 + 80 * 0.4 = 36
    assert (step.wanted, step.value) == pytest.approx((36, 8))
    assert step.clamp == "step"


def test_only_the_last_five_pairs_are_fitted_and_all_are_kept() -> None:
    old = [(0.1, 60.0), (0.9, 1.0)]
    recent = [(0.3, 14.0), (0.4, 12.0), (0.6, 8.0), (0.7, 6.0)]  # kappa = 20 - 20 e
    controller = constant(10, ridge=0.0, pairs=[*old, *recent])
    step = controller.update(error=0.5)
    assert (step.slope, step.intercept) == pytest.approx((-20, 20))
    assert controller.pairs == (*old, *recent, (0.5, 10))


def test_equal_errors_move_by_the_prior_again_and_again() -> None:
    controller = constant(4, ridge=0.0)
    values = [controller.update(error=0.75).value for _ in range(4)]
    # alpha = -8: each wanted value lies 2 above the mean of all pairs so far
    assert values == pytest.approx([6, 7, 4 + 5 / 3 + 2, (4 + 6 + 7 + 4 + 5 / 3 + 2) / 4 + 2])


@given(
    first=st.floats(1, 64),
    ridge=st.sampled_from([0.0, 1e-3]),
    errors=st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=12),
)
def test_it_stays_in_its_bounds_whatever_happens(first: float, ridge: float, errors: list[tuple[float, float]]) -> None:
    controller = validation(first, ridge=ridge)
    for error, target in errors:
        step = controller.update(error=error, validation_error=target)
        assert 1 <= step.value <= 64
        assert step.before / 2 <= step.value <= step.before * 2
        assert step.clamp != "none" or step.value == step.wanted
        assert step.slope is not None
        assert step.slope < 0
    assert [error for error, _ in controller.pairs] == [error for error, _ in errors]


@given(slope=st.floats(-40, -5), target=st.floats(0.35, 0.65))
def test_it_finds_the_target_of_a_linear_process(slope: float, target: float) -> None:
    controller = constant(8, target=target)

    def error() -> float:
        return min(max(0.5 + (controller.value - 12) / slope, 0), 1)

    for _ in range(12):
        controller.update(error=error())
    assert error() == pytest.approx(target, abs=0.05)


def test_it_follows_a_validation_error_that_falls() -> None:
    controller = validation(8)
    for epoch in range(15):
        controller.update(error=1 - controller.value / 20, validation_error=0.6 - 0.01 * epoch)
    assert 1 - controller.value / 20 == pytest.approx(0.46, abs=0.02)


def test_a_difficulty_that_makes_triplets_harder_is_steered_the_other_way() -> None:
    controller = ConstantTarget(target=0.35, first=0.3, low=0.02, high=0.9, prior_slope=0.3)
    assert controller.update(error=0.5).value == pytest.approx(0.255)  # too many active: easier


def test_the_two_variants_are_one_line_with_another_target() -> None:
    first, second = constant(16, target=0.45), validation(16)
    for error in (0.6, 0.5, 0.3):
        assert first.update(error=error) == second.update(error=error, validation_error=0.45)


def test_the_validation_error_is_variant_a_only() -> None:
    assert ValidationErrorTarget.needs_validation_error
    assert not ConstantTarget.needs_validation_error
    assert constant().update(error=0.6, validation_error=0.1) == constant().update(error=0.6)


def test_a_missing_validation_error_changes_nothing() -> None:
    controller = validation()
    with pytest.raises(InvalidInput, match=r"no validation error.*constant_target") as caught:
        controller.update(error=0.5)
    assert caught.value.field == "validation_error"
    assert (controller.value, controller.pairs) == (16, ())


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("controller", [constant(), validation()], ids=["B", "A"])
def test_what_is_no_share_is_refused(controller: Controller, wrong: float) -> None:
    with pytest.raises(InvalidInput, match=r"error is .*; wanted 0 to 1") as caught:
        controller.update(error=wrong, validation_error=0.5)
    assert caught.value.field == "error"
    with pytest.raises(InvalidInput, match=r"validation error is .*; wanted 0 to 1") as caught:
        controller.update(error=0.5, validation_error=wrong)
    assert caught.value.field == "validation_error"
    assert controller.pairs == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"first": 0.5, "prior_slope": -1},
        {"first": 65, "prior_slope": -1},
        {"first": 2, "value": 65, "prior_slope": -1},
        {"first": 2, "low": 0, "prior_slope": -1},
        {"first": 2, "prior_slope": 0},
        {"first": 2, "prior_slope": -1, "ridge": -1},
        {"first": 2, "prior_slope": -1, "window": 0},
        {"first": 2, "prior_slope": -1, "step_factor": 0.5},
        {"first": 2, "prior_slope": -1, "target": 1.5},
    ],
)
def test_settings_that_steer_nowhere_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="wanted"):
        ConstantTarget(**settings)

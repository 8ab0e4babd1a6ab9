import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.controller import Controller

SHARES = st.floats(0, 1)


def kappa_controller(value: float = 16.0, **settings: float) -> Controller:
    return Controller(value=value, prior_slope=-2 * value, **settings)  # type: ignore[arg-type] # floats but window


def test_the_first_pair_moves_along_the_prior() -> None:
    controller = kappa_controller(16)
    # alpha_0 = -32; through (0.6, 16): 16 - 32 * (0.5 - 0.6) = 19.2
    assert controller.update(0.6, 0.5) == pytest.approx(19.2)
    assert controller.fit() == pytest.approx((-32, 35.2))


def test_pairs_on_a_line_give_that_line() -> None:
    controller = kappa_controller(10, ridge=0.0)
    controller.pairs.extend([(0.8, 4.0), (0.6, 8.0)])
    # kappa = 20 - 20 e through all three pairs; at 0.3 it is 14
    assert controller.update(0.5, 0.3) == pytest.approx(14)
    assert controller.fit() == pytest.approx((-20, 20))


def test_least_squares_of_pairs_off_a_line() -> None:
    controller = kappa_controller(6, ridge=0.0)
    controller.pairs.extend([(0.2, 8.0), (0.4, 7.0), (0.6, 3.0)])
    # means 0.4 and 6; slope = (-.2*2 + 0 + .2*-3) / (.04 + .04) = -12.5
    assert controller.fit() == pytest.approx((-12.5, 11.0))


def test_the_ridge_pulls_the_slope_towards_the_prior() -> None:
    controller = kappa_controller(10, ridge=0.02)  # prior slope -20
    controller.pairs.extend([(0.4, 11.0), (0.6, 9.0)])
    # spread 0.02, product sum -0.2: alone -10, and (-0.2 + 0.02 * -20) / 0.04 = -15 with the ridge
    assert controller.fit()[0] == pytest.approx(-15)


def test_a_slope_of_the_wrong_sign_or_none_is_not_believed() -> None:
    rising = kappa_controller(10, ridge=0.0)
    rising.pairs.extend([(0.4, 9.0), (0.6, 11.0)])
    flat = kappa_controller(10, ridge=0.0)
    flat.pairs.extend([(0.4, 10.0), (0.6, 10.0)])
    upright = kappa_controller(10, ridge=0.0)  # ill-conditioned: one error, two values
    upright.pairs.extend([(0.5, 9.0), (0.5, 11.0)])
    for controller in (rising, flat, upright):
        assert controller.fit() == pytest.approx((-20, 20))


def test_only_the_last_five_pairs_count() -> None:
    controller = kappa_controller(10)
    for error in (0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
        controller.update(error, 0.5)
    assert [error for error, _ in controller.pairs] == [0.2, 0.3, 0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        pytest.param(16, 1.0, 32, id="at most twice"),
        pytest.param(16, 0.0, 8, id="at least half"),
        pytest.param(60, 1.0, 64, id="at most high"),
        pytest.param(1.5, 0.0, 1.0, id="at least low"),
    ],
)
def test_steps_are_clamped(value: float, error: float, expected: float) -> None:
    assert kappa_controller(value).update(error, 0.5) == pytest.approx(expected)


@given(start=st.floats(1, 64), errors=st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=12))
def test_it_stays_in_its_bounds_whatever_happens(start: float, errors: list[tuple[float, float]]) -> None:
    controller = kappa_controller(start)
    for error, target in errors:
        before = controller.value
        after = controller.update(error, target)
        assert 1 <= after <= 64
        assert before / 2 - 1e-9 <= after <= before * 2 + 1e-9


@given(slope=st.floats(-40, -5), target=st.floats(0.35, 0.65))
def test_it_finds_the_target_of_a_linear_process(slope: float, target: float) -> None:
    controller = kappa_controller(8)
    for _ in range(12):
        controller.update(min(max(0.5 + (controller.value - 12) / slope, 0), 1), target)
    assert 0.5 + (controller.value - 12) / slope == pytest.approx(target, abs=0.05)


def test_a_difficulty_that_makes_triplets_harder_is_steered_the_other_way() -> None:
    controller = Controller(value=0.3, low=0.02, high=0.9, prior_slope=0.3)
    assert controller.update(0.5, 0.35) == pytest.approx(0.255)  # too many active: easier


def test_the_target_may_change_from_epoch_to_epoch() -> None:  # variant A: the validation error
    controller = kappa_controller(16)
    controller.update(0.5, 0.5)
    assert controller.value == 16
    assert controller.update(0.5, 0.45) == pytest.approx(17.6)


def test_the_state_is_what_a_checkpoint_keeps() -> None:
    controller = Controller(value=16, prior_slope=-32, first=16)
    controller.update(0.6, 0.5)
    assert controller.state() == {"value": pytest.approx(19.2), "first": 16, "pairs": [[0.6, 16]]}


@pytest.mark.parametrize(
    "settings",
    [
        {"value": 0.5, "prior_slope": -1},
        {"value": 65, "prior_slope": -1},
        {"value": 2, "low": 0, "prior_slope": -1},
        {"value": 2, "prior_slope": 0},
        {"value": 2, "prior_slope": -1, "ridge": -1},
        {"value": 2, "prior_slope": -1, "window": 0},
        {"value": 2, "prior_slope": -1, "max_factor": 0.5},
    ],
)
def test_settings_that_steer_nowhere_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Controller(**settings)  # type: ignore[arg-type] # floats but window

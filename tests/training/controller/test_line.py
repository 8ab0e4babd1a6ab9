import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from training.controller import fit_line

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(1, 64)), min_size=1, max_size=8)


def by_lstsq(pairs: list[tuple[float, float]], prior_slope: float, ridge: float) -> tuple[float, float]:
    """Alpha and beta; the ridge is a further row, sqrt(ridge) * alpha = sqrt(ridge) * alpha_0, under centred pairs."""
    errors, values = np.array(pairs).T
    rows = np.append(errors - errors.mean(), np.sqrt(ridge))[:, None]
    wanted = np.append(values - values.mean(), np.sqrt(ridge) * prior_slope)
    slope = float(np.linalg.lstsq(rows, wanted, rcond=None)[0][0])
    return slope, float(values.mean() - slope * errors.mean())


def test_one_pair_lies_on_the_prior() -> None:
    line = fit_line([(0.6, 16.0)], prior_slope=-32, ridge=1e-3)
    assert (line.slope, line.intercept) == pytest.approx((-32, 35.2))  # 35.2 - 32 * 0.6 = 16
    assert line.origin == "prior: ill-conditioned"
    assert line.at(0.5) == pytest.approx(19.2)


def test_pairs_on_a_line_give_that_line() -> None:
    line = fit_line([(0.8, 4.0), (0.6, 8.0), (0.5, 10.0)], prior_slope=-1, ridge=0)
    assert (line.slope, line.intercept) == pytest.approx((-20, 20))
    assert line.origin == "fitted"


def test_pairs_off_a_line() -> None:
    line = fit_line([(0.2, 8.0), (0.4, 7.0), (0.6, 3.0)], prior_slope=-1, ridge=0)
    # means 0.4 and 6; slope = (-.2*2 + 0 + .2*-3) / (.04 + .04) = -12.5
    assert (line.slope, line.intercept) == pytest.approx((-12.5, 11))


def test_the_ridge_pulls_the_slope_towards_the_prior() -> None:
    line = fit_line([(0.4, 11.0), (0.6, 9.0)], prior_slope=-20, ridge=0.02)
    # spread 0.02, product sum -0.2: alone -10, and (-0.2 + 0.02 * -20) / 0.04 = -15 with the ridge
    assert (line.slope, line.intercept) == pytest.approx((-15, 17.5))


@given(pairs=PAIRS, prior_slope=st.floats(-100, -1), ridge=st.floats(1e-4, 1))
def test_equals_numpy_least_squares(pairs: list[tuple[float, float]], prior_slope: float, ridge: float) -> None:
    slope, intercept = by_lstsq(pairs, prior_slope, ridge)
    assume(slope < -1e-6)
    errors = np.array(pairs)[:, 0]
    assume(len(set(errors)) == 1 or errors.std() > 1e-3)  # nearly upright: the prior is kept, see below
    line = fit_line(pairs, prior_slope=prior_slope, ridge=ridge)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("pairs", "origin"),
    [
        pytest.param([(0.4, 9.0), (0.6, 11.0)], "prior: wrong sign", id="rising"),
        pytest.param([(0.4, 10.0), (0.6, 10.0)], "prior: wrong sign", id="flat"),
        pytest.param([(0.5, 9.0), (0.5, 11.0)], "prior: ill-conditioned", id="upright"),
        pytest.param([(0.5, 9.0), (0.5 + 1e-9, 11.0)], "prior: ill-conditioned", id="nearly upright"),
    ],
)
def test_a_slope_of_the_wrong_sign_or_none_is_not_believed(pairs: list[tuple[float, float]], origin: str) -> None:
    line = fit_line(pairs, prior_slope=-20, ridge=0)
    assert (line.slope, line.intercept) == pytest.approx((-20, 20))
    assert line.origin == origin


def test_the_right_sign_is_that_of_the_prior() -> None:
    rising = [(0.4, 9.0), (0.6, 11.0)]
    assert fit_line(rising, prior_slope=3, ridge=0).slope == pytest.approx(10)
    assert fit_line(rising, prior_slope=-3, ridge=0).slope == -3


@given(pairs=PAIRS, prior_slope=st.floats(-100, -1))
def test_the_line_passes_through_the_mean(pairs: list[tuple[float, float]], prior_slope: float) -> None:
    line = fit_line(pairs, prior_slope=prior_slope, ridge=1e-3)
    assert line.slope < 0
    errors, values = zip(*pairs, strict=True)
    assert line.at(sum(errors) / len(errors)) == pytest.approx(sum(values) / len(values), abs=1e-6, rel=1e-6)

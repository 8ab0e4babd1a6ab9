import json
from typing import Any

import pytest

from smserve.errors import DataLoss
from training.config import ControllerConfig
from training.controller import (
    ConstantTarget,
    FixedDifficulty,
    Schedule,
    ValidationErrorTarget,
    build_controller,
    restore_controller,
)

CONFIGS = {
    "validation_error": ControllerConfig(kind="validation_error"),
    "constant_target": ControllerConfig(kind="constant_target", target=0.6),
    "fixed": ControllerConfig(kind="fixed"),
    "schedule": ControllerConfig(kind="schedule", schedule=(16.0, 8.0, 4.0)),
}


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("validation_error", ValidationErrorTarget),
        ("constant_target", ConstantTarget),
        ("fixed", FixedDifficulty),
        ("schedule", Schedule),
    ],
)
def test_each_kind(kind: str, wanted: type) -> None:
    controller = build_controller(CONFIGS[kind], 16.0)
    assert type(controller) is wanted
    assert controller.kind == kind
    assert controller.value == 16
    assert controller.needs_validation_error is (kind == "validation_error")


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (ControllerConfig(), 4),
        (ControllerConfig(start=9), 9),
        (ControllerConfig(low=5), 5),
        (ControllerConfig(high=2), 2),
        (ControllerConfig(kind="fixed", start=9), 9),
        (ControllerConfig(kind="schedule", schedule=(7.0, 2.0)), 7),
    ],
)
def test_the_first_difficulty(config: ControllerConfig, value: float) -> None:
    assert build_controller(config, 4.0).value == value


def test_the_settings_arrive() -> None:
    config = ControllerConfig(target=0.4, prior_slope=-3.0, ridge=0.0, window=2, step_factor=1.5, low=2.0, high=20.0)
    controller = build_controller(config, 10.0)
    step = controller.update(error=0.5)
    assert (step.target, step.slope, step.wanted) == pytest.approx((0.4, -30, 13))
    step = controller.update(error=0.9)  # the slope of two pairs is wrong: -30 through their mean, (0.7, 11.5)
    assert (step.wanted, step.value) == pytest.approx((20.5, 19.5))
    assert step.clamp == "step"
    step = controller.update(error=0.95)  # window 2: (0.9, 13), (0.95, 19.5) still rise: -30 through (0.925, 16.25)
    assert (step.wanted, step.value) == pytest.approx((32, 20))
    assert step.clamp == "high"


@pytest.mark.parametrize("kind", list(CONFIGS))
def test_a_restored_controller_goes_on_as_if_nothing_had_happened(kind: str) -> None:
    config = CONFIGS[kind]
    whole = build_controller(config, 16.0)
    errors = (0.7, 0.4, 0.65, 0.3, 0.5, 0.45, 0.9)
    for cut in range(len(errors)):
        restored = restore_controller(config, json.loads(json.dumps(whole.state())))
        assert restored.state() == whole.state()
        assert restored.pairs == whole.pairs
        assert restored.update(error=errors[cut], validation_error=0.5) == whole.update(
            error=errors[cut], validation_error=0.5
        )
        assert restored.value == whole.value


def test_the_state_is_plain() -> None:
    controller = build_controller(ControllerConfig(), 16.0)
    controller.update(error=0.6)
    value = pytest.approx(19.2)  # 16 - 32 * (0.5 - 0.6)
    assert controller.state() == {"kind": "constant_target", "value": value, "first": 16, "pairs": [[0.6, 16]]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "fixed"}, "it is of kind fixed, the settings say constant_target"),
        ({"value": 65.0}, "difficulties are 16.0 and 65.0, the limits 1.0 to 64.0"),
        ({"first": 0.5}, "difficulties are 0.5 and 16.0, the limits 1.0 to 64.0"),
        ({"value": float("nan")}, "nan is no number"),
        ({"value": "16"}, "'16' is no number"),
        ({"pairs": [[0.5]]}, "not enough values"),
        ({"pairs": [[0.5, True]]}, "True is no number"),
        ({"pairs": None}, "not iterable"),
        ({"pairs": [[2.0, 16.0]]}, "error 2.0"),
    ],
)
def test_a_damaged_state_is_refused(change: dict[str, Any], says: str) -> None:
    config = CONFIGS["constant_target"]
    state = {**build_controller(config, 16.0).state(), **change}
    with pytest.raises(DataLoss, match="controller is damaged") as caught:
        restore_controller(config, state)
    assert says in caught.value.message


@pytest.mark.parametrize("missing", ["kind", "value", "first", "pairs"])
def test_a_state_without_a_part_is_refused(missing: str) -> None:
    state = build_controller(ControllerConfig(), 16.0).state()
    del state[missing]
    with pytest.raises(DataLoss, match=f"has no '{missing}'"):
        restore_controller(ControllerConfig(), state)

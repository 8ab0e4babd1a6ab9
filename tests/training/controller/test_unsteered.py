import pytest

from smserve.errors import InvalidInput
from training.controller import FixedDifficulty, Schedule, Step


def test_a_fixed_difficulty_stays_and_keeps_its_trajectory() -> None:
    controller = FixedDifficulty(first=3)
    assert controller.update(error=0.9) == Step(error=0.9, before=3, value=3, wanted=3)
    controller.update(error=0.1, validation_error=0.4)
    assert controller.value == 3
    assert list(controller.pairs) == [(0.9, 3), (0.1, 3)]
    assert not controller.needs_validation_error


def test_a_schedule_takes_one_an_epoch_and_keeps_the_last() -> None:
    controller = Schedule(schedule=(16, 8, 4))
    assert controller.value == 16
    assert [controller.update(error=0.5).value for _ in range(4)] == [8, 4, 4, 4]
    assert list(controller.pairs) == [(0.5, 16), (0.5, 8), (0.5, 4), (0.5, 4)]


def test_a_schedule_of_one_is_fixed() -> None:
    controller = Schedule(schedule=(5,))
    step = controller.update(error=0.2)
    assert step == Step(error=0.2, before=5, value=5, wanted=5)
    assert step.figures()["controller_slope"] is None


def test_an_empty_schedule_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty; wanted one or more"):
        Schedule(schedule=())


def test_what_is_no_share_is_refused() -> None:
    for controller in (FixedDifficulty(first=3), Schedule(schedule=(5, 6))):
        with pytest.raises(InvalidInput, match="error is nan; wanted 0 to 1"):
            controller.update(error=float("nan"))
        assert controller.pairs == ()

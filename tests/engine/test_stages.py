"""Steps are told of with their size and time, whatever comes of them."""

import threading
import time

import pytest

from smserve.engine.budget import ByteBudget
from smserve.engine.interest import always_wanted
from smserve.engine.stages import Stage, StageListener, Stages, Step
from smserve.errors import Cancelled, InvalidImage


class Told(StageListener):
    def __init__(self) -> None:
        self.steps: list[tuple[Stage, int]] = []
        self.seconds: list[float] = []
        self.flaws: list[str] = []

    def took(self, step: Step) -> None:
        self.steps.append((step.stage, step.size))
        self.seconds.append(step.seconds)

    def refused(self, error: InvalidImage) -> None:
        self.flaws.append(error.flaw)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def stages(told: Told) -> Stages:
    stages = Stages()
    stages.listen(told)
    return stages


def gone() -> None:
    raise Cancelled("gone")


def test_a_step_is_told_of_at_its_end(stages: Stages, told: Told) -> None:
    with stages.step(Stage.INFERENCE, always_wanted, size=7):
        assert told.steps == []
        time.sleep(0.02)
    assert told.steps == [(Stage.INFERENCE, 7)]
    assert told.seconds[0] >= 0.02
    assert stages.counts() == {Stage.DECODE: 0, Stage.INFERENCE: 1, Stage.SEARCH: 0}


def test_so_is_one_that_fails(stages: Stages, told: Told) -> None:
    with pytest.raises(ZeroDivisionError), stages.step(Stage.DECODE, always_wanted):
        raise ZeroDivisionError
    assert told.steps == [(Stage.DECODE, 1)]


def test_one_that_nobody_wants_does_not_begin(stages: Stages, told: Told) -> None:
    with pytest.raises(Cancelled):
        stages.step(Stage.SEARCH, gone)
    assert told.steps == []
    assert stages.counts()[Stage.SEARCH] == 0


def test_a_part_counts_to_another_step(stages: Stages, told: Told) -> None:
    with stages.step(Stage.SEARCH, always_wanted) as step:
        time.sleep(0.05)
        step.leave_out(0.04)
    stages.passed(Stage.PAYLOAD, 0.04)
    assert told.steps == [(Stage.SEARCH, 1), (Stage.PAYLOAD, 1)]
    assert told.seconds[0] >= 0.01
    assert told.seconds[1] == 0.04


def test_pictures_that_are_refused(stages: Stages, told: Told) -> None:
    stages.refuse(InvalidImage("too large", flaw="pixels"))
    assert told.flaws == ["pixels"]


def test_a_budget_says_how_long_it_kept_one_waiting() -> None:
    budget = ByteBudget(10)
    waits: list[float] = []

    def second() -> None:
        with budget.hold(8, always_wanted) as waited_s:
            waits.append(waited_s)

    with budget.hold(8, always_wanted) as waited_s:
        assert waited_s == 0
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
    thread.join(10)
    assert len(waits) == 1
    assert waits[0] > 0

"""A crash at any named point leaves what was acknowledged, and the write under way whole or not at all."""

from pathlib import Path

import pytest

from smserve.gallery.points import FAILURE_POINTS
from tests.gallery.crashes import STEPS, Life, die_in_between, live, outcome


def test_every_point_is_survived(in_memory: Path) -> None:
    """Each life is killed at one point; the next one goes on where it was, and ends by itself."""
    before = [point for point in FAILURE_POINTS if point.startswith(("upgrade.", "recover."))]
    others = [point for point in FAILURE_POINTS if point not in before]
    (whole,) = live([Life(path=in_memory / "whole")])
    assert (whole.killed, whole.acknowledged) == (False, len(STEPS))
    assert set(whole.visits) == set(others)  # the list is that of the code, no more and no less
    # The first visit of a point is often that of making the gallery; the last one is in the middle of everything.
    # benchmarks/durability.py tries every visit.
    lives = [Life(path=in_memory / point, point=point, visit=whole.visits[point]) for point in others]
    ends = live(lives)
    assert all(end.killed for end in ends)
    assert {life.path.name: outcome(life.path, end.acknowledged) for life, end in zip(lives, ends, strict=True)} == {
        life.path.name: "" for life in lives
    }
    ends = live([Life(path=life.path) for life in lives])
    assert {end.acknowledged for end in ends} == {len(STEPS)}
    assert {life.path.name: outcome(life.path, len(STEPS)) for life in lives} == {life.path.name: "" for life in lives}


@pytest.mark.parametrize("point", [point for point in FAILURE_POINTS if point.startswith(("recover.", "upgrade."))])
def test_a_crash_of_recovering_or_upgrading_is_survived(in_memory: Path, point: str) -> None:
    assert die_in_between(in_memory / "g", point) == ""

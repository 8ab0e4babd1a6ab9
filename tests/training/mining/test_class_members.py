import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.mining import class_members
from training.mining.class_members import ClassMembers

LABELS = np.array([2, 0, 2, 0, 2, 4, 4, 2])  # class 2: 0 2 4 7; class 0: 1 3; class 4: 5 6
DRAWS = 600


def shares(drawn: np.ndarray) -> dict[int, float]:
    values, counts = np.unique(drawn, return_counts=True)
    return dict(zip(values.tolist(), (counts / len(drawn)).tolist(), strict=True))


def fair(members: list[int]) -> object:
    return pytest.approx(dict.fromkeys(members, 1 / len(members)), abs=0.08)  # four standard errors


@pytest.mark.parametrize(("own", "members"), [(4, [0, 2, 7]), (0, [2, 4, 7]), (-1, [0, 2, 4, 7])])
def test_positives_are_the_other_members_each_as_often(own: int, members: list[int]) -> None:
    anchors = np.full(DRAWS, own)
    drawn = ClassMembers(LABELS).positives(np.full(DRAWS, 2), anchors, np.random.default_rng(0))
    assert shares(drawn) == fair(members)


def test_negatives_are_all_others_each_as_often() -> None:
    drawn = ClassMembers(LABELS).negatives(np.full(DRAWS, 2), np.random.default_rng(0))
    assert shares(drawn) == fair([1, 3, 5, 6])


@pytest.mark.parametrize(
    ("own", "listed", "members"),
    [
        (4, [1, 0, 5], [2, 7]),
        (4, [1, 3, 5], [0, 2, 7]),
        (4, [7, 2, 0], [0, 2, 7]),  # the list has all: any other will do
        (4, [7, 4, 7], [0, 2]),  # itself in its list, and one twice
        (-1, [7, 1, 2], [0, 4]),
    ],
)
def test_outside_are_the_members_not_listed_each_as_often(own: int, listed: list[int], members: list[int]) -> None:
    lists = np.tile(listed, (DRAWS, 1))
    labels = np.full(DRAWS, 2)
    drawn = ClassMembers(LABELS).outside(
        labels, np.full(DRAWS, own), lists, LABELS[lists] == 2, np.random.default_rng(0)
    )
    assert shares(drawn) == fair(members)


@given(seed=st.integers(0, 10_000), length=st.integers(0, 12), tile=st.sampled_from([1, 30, 2**20]))
@settings(max_examples=60, deadline=None)
def test_outside_equals_a_set_of_each_anchor(seed: int, length: int, tile: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.repeat(np.arange(3), 2), random.integers(0, 3, 10)])
    anchors = random.integers(0, len(labels), 20)
    lists = random.integers(0, len(labels), (20, length))
    same = labels[lists] == labels[anchors, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_members, "_TILE_ELEMENTS", tile)  # so that small inputs take several tiles
        drawn = ClassMembers(labels).outside(labels[anchors], anchors, lists, same, random)
    for anchor, listed, chosen in zip(anchors.tolist(), lists.tolist(), drawn.tolist(), strict=True):
        others = set(np.flatnonzero(labels == labels[anchor]).tolist()) - {anchor}
        assert chosen in ((others - set(listed)) or others)

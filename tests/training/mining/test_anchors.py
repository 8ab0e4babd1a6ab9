"""Anchors that come from elsewhere, and input that doesn't fit together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.mining.algorithm_1 import mine_one_anchor
from tests.training.mining.lists import Lists, neighbour_lists
from training.mining import mine_triplets

NO_CHANCE = np.random.default_rng(0)
PAIRS = np.array([0, 0, 1, 1])
LISTS = np.array([[1, 2], [0, 2], [3, 0], [2, 0]])


@given(lists=neighbour_lists(), kappa=st.sampled_from([1.0, 1.1, 4.0]), data=st.data())
@settings(max_examples=60, deadline=None)
def test_anchors_from_elsewhere_follow_algorithm_1(lists: Lists, kappa: float, data: st.DataObject) -> None:
    neighbours, distances, labels = lists
    # Other pictures as anchors: the lists of some points, with classes of their own.
    chosen = np.array(data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1, max_size=8)))
    classes = labels[np.array(data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=8, max_size=8)))]
    classes = classes[: len(chosen)]
    found = mine_triplets(
        neighbours[chosen],
        distances[chosen],
        labels,
        anchor_labels=classes,
        kappa=kappa,
        per_anchor=3,
        random=np.random.default_rng(0),
    )
    for row, (anchor, positive, negative) in enumerate(found.triplets.tolist()):
        assert anchor == row // 3
        near, label = neighbours[chosen[anchor]], classes[anchor]
        expected = mine_one_anchor(
            near.tolist(), distances[chosen[anchor]].tolist(), (labels[near] == label).tolist(), kappa, 3
        )
        wanted_positive, wanted_negative = expected.triplets[row % 3]
        assert labels[positive] == label != labels[negative]
        assert found.mined[row] == (wanted_negative is not None)
        assert negative == wanted_negative or wanted_negative is None
        assert positive == wanted_positive or wanted_positive is None
        if found.random_positive[row]:
            members = set(np.flatnonzero(labels == label).tolist())
            assert positive in ((members - set(near.tolist())) or members)


def test_an_anchor_from_elsewhere_may_have_one_picture_of_its_class() -> None:
    labels = np.array([0, 1, 1])
    lists = np.array([[0, 1, 2]]), np.array([[1, 2, 3]], np.float32)
    found = mine_triplets(
        *lists, labels, anchor_labels=np.array([0]), kappa=1, per_anchor=3, random=np.random.default_rng(0)
    )
    assert found.triplets.tolist()[:2] == [[0, 0, 1], [0, 0, 2]]  # picture 0 is the only positive, listed or not
    assert found.random_positive.tolist() == [True, True, False]
    with pytest.raises(ValueError, match="2 or more pictures of each anchor's class, got 1"):
        mine_triplets(lists[0].repeat(3, 0), lists[1].repeat(3, 0), labels, kappa=1, per_anchor=1, random=NO_CHANCE)


@pytest.mark.parametrize(
    ("neighbours", "distances", "labels", "anchor_labels", "per_anchor", "message"),
    [
        (LISTS, np.ones((4, 3)), PAIRS, None, 1, r"got \(4, 2\), \(4, 3\) and 4"),
        (LISTS, np.ones((4, 2)), PAIRS, PAIRS[:3], 1, r"got \(4, 2\), \(4, 2\) and 3"),
        (LISTS[0], np.ones(2), PAIRS, None, 1, r"got \(2,\)"),
        (LISTS, np.ones((4, 2)), PAIRS, None, 0, "per_anchor >= 1, got 0"),
        (LISTS - 1, np.ones((4, 2)), PAIRS, None, 1, r"within 0\.\.3, got -1\.\.2"),
        (LISTS + 1, np.ones((4, 2)), PAIRS, None, 1, r"within 0\.\.3, got 1\.\.4"),
        (LISTS, np.ones((4, 2)), PAIRS, PAIRS + 1, 1, "1 or more pictures of each anchor's class, got 0"),
        (LISTS, np.ones((4, 2)), PAIRS * 0, None, 1, "two classes or more, got one"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    neighbours: np.ndarray,
    distances: np.ndarray,
    labels: np.ndarray,
    anchor_labels: np.ndarray | None,
    per_anchor: int,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        mine_triplets(
            neighbours,
            distances.astype(np.float32),
            labels,
            anchor_labels=anchor_labels,
            kappa=1,
            per_anchor=per_anchor,
            random=NO_CHANCE,
        )

import numpy as np
import pytest

from smserve.errors import InvalidInput
from training.trainer.held_out import hold_out

LABELS = np.repeat(np.arange(10), 20)


def test_a_tenth_is_held_out_by_chance_and_by_seed() -> None:
    first, again, other = (hold_out(LABELS, 0.1, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.sum() == 20
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_every_class_keeps_two_pictures() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2])
    held = hold_out(labels, 0.9, np.random.default_rng(0))
    assert np.bincount(labels[~held]).tolist() == [2, 2, 2]


def test_at_least_one_is_held_out() -> None:
    assert hold_out(np.zeros(5, np.int64), 0.01, np.random.default_rng(0)).sum() == 1


def test_classes_of_two_have_none_to_spare() -> None:
    with pytest.raises(InvalidInput, match=r'none can be held out .* set controller\.kind to "constant_target"'):
        hold_out(np.repeat(np.arange(4), 2), 0.1, np.random.default_rng(0))

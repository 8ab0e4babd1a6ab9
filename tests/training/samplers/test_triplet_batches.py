import numpy as np
import pytest

from smserve.errors import InvalidInput
from training.config import SamplerConfig
from training.mining import mine_triplets
from training.samplers import Neighbours, Plan, TripletSampler, build_sampler

LABELS = np.arange(40) % 8


def neighbours(length: int = 30) -> Neighbours:
    random = np.random.default_rng(0)
    points = random.normal(size=(8, 4))[LABELS] + random.normal(size=(40, 4))
    squared = ((points[:, None] - points[None]) ** 2).sum(2).astype(np.float32)
    np.fill_diagonal(squared, np.inf)
    indices = np.argsort(squared, axis=1)[:, :length]
    return Neighbours(indices=indices, distances=np.take_along_axis(squared, indices, 1))


def as_triplets(plan: Plan) -> np.ndarray:
    """All triplets of a plan as indices into the training set, sorted."""
    rows = [batch.indices[batch.triplets] for batch in plan.batches if batch.triplets is not None]
    return np.array(sorted(np.concatenate(rows).tolist()))


def sampler(**settings: object) -> TripletSampler:
    return TripletSampler(SamplerConfig(batch_size=16, per_anchor=3, **settings), LABELS)  # type: ignore[arg-type] # settings of several types


def test_every_picture_is_the_anchor_of_so_many_triplets() -> None:
    plan = sampler().plan(None, 0, np.random.default_rng(0))
    sizes = [len(batch.triplets) for batch in plan.batches if batch.triplets is not None]
    assert sizes == [16] * 7 + [8]  # 120 in all
    triplets = as_triplets(plan)
    assert np.bincount(triplets[:, 0]).tolist() == [3] * 40
    assert (LABELS[triplets[:, 0]] == LABELS[triplets[:, 1]]).all()
    assert (LABELS[triplets[:, 0]] != LABELS[triplets[:, 2]]).all()
    assert plan.figures == {"mined_share": 0.0}


def test_a_picture_goes_through_the_network_once_a_batch() -> None:
    for batch in sampler().plan(neighbours(), 1.0, np.random.default_rng(0)).batches:
        assert batch.triplets is not None
        assert len(np.unique(batch.indices)) == len(batch.indices)
        assert set(batch.triplets.ravel().tolist()) == set(range(len(batch.indices)))


def test_mined_batches_hold_the_miners_triplets_and_say_so() -> None:
    near = neighbours()
    plan = sampler(mined_share=1.0).plan(near, 1.5, np.random.default_rng(0))
    # The miner draws after the random triplets were drawn.
    random = np.random.default_rng(0)
    sampler().plan(None, 0, np.random.default_rng(0))
    from training.mining import random_triplets

    random_triplets(LABELS, 3, random)
    found = mine_triplets(near.indices, near.distances, LABELS, kappa=1.5, per_anchor=3, random=random)
    assert np.array_equal(as_triplets(plan), np.array(sorted(found.triplets.tolist())))
    assert sum(int(batch.mined.sum()) for batch in plan.batches if batch.mined is not None) == found.mined.sum()
    assert plan.figures == {
        "mined_share": pytest.approx(found.mined.mean()),
        "valid_negatives": found.valid_negatives,
        "random_positives": found.random_positives,
        "random_triplets": found.random_triplets,
        "hardness": found.hardness(),
    }


def test_a_share_of_a_batch_is_mined() -> None:
    shares = [
        sampler(mined_share=share).plan(neighbours(), 1.0, np.random.default_rng(0)).figures["mined_share"]
        for share in (0.0, 0.5, 1.0)
    ]
    assert shares[0] == 0
    assert 0.35 < shares[1] / shares[2] < 0.65


def test_the_first_epochs_are_random() -> None:
    assert [sampler().mines(epoch) for epoch in (1, 2, 3, 4)] == [False, False, True, True]
    assert not sampler(mined_share=0.0).mines(3)
    assert sampler(random_epochs=0).mines(1)


def test_the_first_difficulty_comes_from_the_data() -> None:
    assert sampler().first_difficulty(neighbours()) in {1, 2, 4}
    tight = Neighbours(
        indices=np.array([[1, 2], [0, 2], [3, 0], [2, 0]]), distances=np.array([[0.01, 2]] * 4, np.float32)
    )
    assert TripletSampler(SamplerConfig(), np.array([0, 0, 1, 1])).first_difficulty(tight) == 64


def test_the_seed_decides() -> None:
    first, again, other = (sampler().plan(neighbours(), 2.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.batches[0].indices, again.batches[0].indices)
    assert not np.array_equal(as_triplets(first), as_triplets(other))


def test_a_class_of_one_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="1 training classes have one picture"):
        build_sampler(SamplerConfig(), np.array([0, 0, 1, 2, 2]))


def test_lists_must_go_beyond_the_anchors_own_class() -> None:
    assert sampler(list_length=5).list_length == 5  # classes have five pictures
    with pytest.raises(InvalidInput, match=r"sampler\.list_length is 4, and the largest training class has 5"):
        sampler(list_length=4)
    sampler(list_length=4, mined_share=0.0)  # no lists at all
    TripletSampler(SamplerConfig(list_length=9), np.zeros(10, np.int64))  # nothing beyond it to list


def test_a_share_of_the_anchors_is_drawn_anew_each_epoch() -> None:
    half = sampler(anchor_share=0.5)
    random = np.random.default_rng(0)
    first, second = (as_triplets(half.plan(neighbours(), 1.0, random)) for _ in range(2))
    for triplets in (first, second):
        assert sorted(np.bincount(triplets[:, 0], minlength=40).tolist()) == [0] * 20 + [3] * 20
    assert set(first[:, 0]) != set(second[:, 0])


def test_fallbacks_are_counted_of_the_triplets_that_are_used() -> None:
    near = neighbours(12)
    for settings in ({}, {"mined_share": 0.4}, {"anchor_share": 0.3}):
        plan = sampler(list_length=12, **settings).plan(near, 1.2, np.random.default_rng(3))
        mined = sum(int(batch.mined.sum()) for batch in plan.batches if batch.mined is not None)
        total = len(as_triplets(plan))
        assert plan.figures["mined_share"] == mined / total
        assert plan.figures["random_positives"] <= mined
        assert plan.figures["random_triplets"] + mined <= total
    whole = sampler(list_length=12).plan(near, 1.2, np.random.default_rng(3))
    assert (whole.figures["random_triplets"] or 0) + 120 * whole.figures["mined_share"] == 120
    assert 0 < (whole.figures["hardness"] or 0) < 1

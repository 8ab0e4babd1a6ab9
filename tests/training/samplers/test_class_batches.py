from collections import Counter

import numpy as np

from training.config import SamplerConfig
from training.samplers import ClassSampler, Neighbours, Plan, build_sampler

LABELS = np.repeat(np.arange(20), 3)  # 20 classes of 3 pictures


def ring(reach: int = 1) -> Neighbours:
    """Classes stand on a ring; each picture lists one of its own class and one of the `reach` next on both sides."""
    indices, distances = [], []
    for label in LABELS:
        near = [(label + step * side) % 20 for step in range(1, reach + 1) for side in (-1, 1)]
        indices.append([label * 3, *(other * 3 for other in near)])
        distances.append([0.1, *(0.5 + 0.1 * place for place in range(len(near)))])
    return Neighbours(indices=np.array(indices), distances=np.array(distances, np.float32))


def sampler(**settings: object) -> ClassSampler:
    defaults = {"kind": "classes", "batch_size": 12, "list_length": 2, "random_epochs": 0, "mined_share": 0.3}
    found = build_sampler(SamplerConfig(**{**defaults, **settings}), LABELS)  # type: ignore[arg-type] # settings of several types
    assert isinstance(found, ClassSampler)
    return found


def classes_of(plan: Plan) -> list[list[int]]:
    return [list(dict.fromkeys(LABELS[batch.indices].tolist())) for batch in plan.batches]


def test_batches_are_of_whole_classes_and_leave_triplets_to_the_labels() -> None:
    plan = sampler().plan(None, 0, np.random.default_rng(0))
    assert len(plan.batches) == 5  # as many pictures as the training set
    for batch in plan.batches:
        assert batch.triplets is None
        assert len(np.unique(batch.indices)) == 12
        assert set(Counter(LABELS[batch.indices].tolist()).values()) == {3}


def test_without_mining_every_class_comes_up_once() -> None:
    for seed in range(5):
        plan = sampler().plan(None, 0, np.random.default_rng(seed))
        assert sorted(label for batch in classes_of(plan) for label in batch) == list(range(20))
        assert plan.figures == {"mined_share": 0}


def test_no_more_than_k_pictures_of_a_class() -> None:
    plan = sampler(per_class=2).plan(None, 0, np.random.default_rng(0))
    assert {count for batch in plan.batches for count in Counter(LABELS[batch.indices].tolist()).values()} == {2}


def test_with_certainty_each_class_is_next_to_one_of_its_batch() -> None:
    near = ring(reach=2)  # four neighbours each: one is always left in a batch of four
    plan = sampler(list_length=4).plan(near, 1.0, np.random.default_rng(0))
    for batch in classes_of(plan):
        for place, label in enumerate(batch[1:], start=1):
            assert {(label + step) % 20 for step in (-2, -1, 1, 2)} & set(batch[:place])
    assert plan.figures["mined_share"] == 0.75  # three of four; the first comes in turn


def test_pictures_of_classes_drawn_as_neighbours_are_marked() -> None:
    for share, expected in ((1.0, [False, True, True, True]), (0.0, [False] * 4)):
        plan = sampler(list_length=4).plan(ring(reach=2), share, np.random.default_rng(0))
        for batch in plan.batches:
            assert batch.mined is not None
            assert batch.mined.tolist() == np.repeat(expected, 3).tolist()  # the first class came in turn
    (cut,) = sampler(batch_size=60).plan(ring(), 0.5, np.random.default_rng(0)).batches
    assert cut.mined is not None
    assert len(cut.mined) == len(cut.indices)


def test_a_class_whose_neighbours_are_all_in_the_batch_gives_way_to_one_in_turn() -> None:
    labels = np.repeat(np.arange(4), 3)
    pairs = Neighbours(
        indices=np.array([[3], [3], [3], [0], [0], [0], [9], [9], [9], [6], [6], [6]]),
        distances=np.ones((12, 1), np.float32),
    )  # 0 and 1, 2 and 3
    config = SamplerConfig(kind="classes", batch_size=12, list_length=3, random_epochs=0)
    for seed in range(5):
        (batch,) = ClassSampler(config, labels).plan(pairs, 1.0, np.random.default_rng(seed)).batches
        first, second, third, fourth = dict.fromkeys(labels[batch.indices].tolist())
        assert {first, second} in ({0, 1}, {2, 3})
        assert {third, fourth} in ({0, 1}, {2, 3})


def test_difficulty_is_the_share_of_neighbours() -> None:
    shares = [
        float(np.mean([sampler().plan(ring(), p, np.random.default_rng(s)).figures["mined_share"] for s in range(30)]))
        for p in (0.0, 0.4, 0.8)
    ]
    assert shares[0] == 0
    assert 0.2 < shares[1] < 0.4  # 0.4 of three of four
    assert 0.5 < shares[2] < 0.7


def test_few_classes_make_small_batches() -> None:
    few = ClassSampler(SamplerConfig(kind="classes", batch_size=64), np.array([0, 0, 0, 1, 1, 1]))
    plan = few.plan(None, 0, np.random.default_rng(0))
    assert [sorted(batch.indices.tolist()) for batch in plan.batches] == [[0, 1, 2, 3, 4, 5]]


def test_lists_are_long_enough_and_mining_begins_when_it_should() -> None:
    assert sampler(list_length=10).list_length == 30
    assert [sampler(random_epochs=1).mines(epoch) for epoch in (1, 2)] == [False, True]
    assert not sampler(mined_share=0.0).mines(5)
    assert sampler(mined_share=0.25).first_difficulty(ring()) == 0.25


def test_the_seed_decides() -> None:
    first, again, other = (classes_of(sampler().plan(ring(), 0.5, np.random.default_rng(s))) for s in (1, 1, 2))
    assert first == again
    assert first != other

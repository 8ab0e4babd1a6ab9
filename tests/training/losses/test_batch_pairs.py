import torch

from tests.training.losses.points import circle
from training.losses.batch_pairs import pairs_of_batch, pairs_of_triplets, positive_pairs, violated_pairs

LABELS = torch.tensor([0, 0, 1, 1])


def test_ordered_positive_pairs() -> None:
    assert positive_pairs(LABELS).nonzero().tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_each_pair_of_a_batch_counts_once() -> None:
    positive, negative = pairs_of_batch(LABELS)
    assert positive.nonzero().tolist() == [[0, 1], [2, 3]]
    assert negative.nonzero().tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]


def test_each_pair_of_triplets_counts_once() -> None:
    positive, negative = pairs_of_triplets(torch.tensor([[0, 1, 2], [0, 1, 3], [2, 3, 0]]), 4)
    assert positive.nonzero().tolist() == [[0, 1], [2, 3]]
    assert negative.nonzero().tolist() == [[0, 2], [0, 3], [2, 0]]


def test_violated_pairs_have_a_nearer_negative() -> None:
    # From 0: positive at 60 degrees, negative at 100. From 60: the negative at 100 is nearer. Then 100 to 200: 60 is
    # nearer; from 200 to 100: nothing is nearer, 60 is 140 away.
    assert violated_pairs(circle(0, 60, 100, 200), LABELS).tolist() == [False, True, True, False]

"""When two answers count as the same: ties at the end may be broken either way, and nothing else."""

from benchmarks.alike import agree
from smserve.types import Hit, ItemHead


def hits(**scores: float) -> list[Hit]:
    return [Hit(ItemHead(name), score) for name, score in scores.items()]


def test_answers_agree_up_to_ties_with_the_last() -> None:
    first = hits(a=0.9, b=0.8, c=0.7)
    assert agree(first, first)
    assert agree(first, hits(a=0.900001, b=0.8, c=0.7))
    assert agree(first, hits(a=0.9, b=0.8, d=0.700001))
    assert agree(hits(a=0.9, b=0.8, c=0.8), hits(a=0.9, d=0.8, b=0.8))
    assert agree([], [])


def test_others_do_not() -> None:
    first = hits(a=0.9, b=0.8, c=0.7)
    assert not agree(first, hits(a=0.9, b=0.8))
    assert not agree(first, hits(a=0.9, b=0.8, c=0.699))
    assert not agree(first, hits(a=0.9, d=0.8, c=0.7))

"""Which of some trials is chosen."""

from smserve.embedder import InferenceSettings
from smserve.tuning import Candidate, Limits, Trial
from smserve.tuning.report import choose


def trial(rate: float, latency_ms: float, *, cosine: float = 1.0, in_flight: int = 2) -> Trial:
    candidate = Candidate(settings=InferenceSettings(), max_in_flight=in_flight)
    return Trial(candidate=candidate, runs_on="paper", pictures_per_s=rate, latency_ms=latency_ms, cosine=cosine)


def test_the_fastest_is_chosen() -> None:
    slow, fast = trial(50, 10), trial(80, 15)
    assert choose([slow, fast], Limits()) is fast


def test_a_call_alone_may_take_so_many_times_the_shortest() -> None:
    quick, fast = trial(50, 10), trial(80, 21)
    assert choose([quick, fast], Limits()) is quick
    assert choose([quick, fast], Limits(latency_factor=2.1)) is fast


def test_a_limit_in_milliseconds_stands_for_itself() -> None:
    quick, fast = trial(50, 10), trial(80, 40)
    assert choose([quick, fast], Limits(latency_ms=50)) is fast
    assert choose([quick, fast], Limits(latency_ms=30)) is quick
    assert choose([quick, fast], Limits(latency_ms=5)) is None


def test_of_those_as_fast_the_quickest_then_the_one_with_fewest_calls() -> None:
    most, quicker = trial(100, 12), trial(98, 11)
    assert choose([most, quicker], Limits()) is quicker
    many, few = trial(100, 12, in_flight=9), trial(99, 12, in_flight=2)
    assert choose([many, few], Limits()) is few
    assert choose([most, trial(90, 11)], Limits()) is most


def test_what_does_not_agree_counts_neither_as_fastest_nor_as_quickest() -> None:
    right, wrong = trial(50, 10), trial(500, 1, cosine=0.99)
    assert choose([right, wrong], Limits()) is right
    assert choose([right, trial(500, 1, cosine=float("nan"))], Limits()) is right
    assert choose([wrong], Limits()) is None

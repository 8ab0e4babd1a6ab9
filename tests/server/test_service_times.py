"""Medians of the latest calls."""

from smserve.server.service_times import ServiceTimes


def test_the_median_is_of_the_latest_calls_of_a_kind() -> None:
    times = ServiceTimes()
    assert times.median_s("a") == times.median_s() == 0
    for time_s in (0.1, 0.2, 9.0):
        times.add("a", time_s)
    times.add("b", 5.0)
    assert (times.median_s("a"), times.median_s("b"), times.median_s("c")) == (0.2, 5.0, 0)
    assert times.median_s() == 5.0
    for _ in range(104):
        times.add("a", 1.0)
    assert times.median_s("a") == 1.0

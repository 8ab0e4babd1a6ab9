"""A worker that dies is started again after longer and longer waits, and given up when that is no help."""

from smserve.server.workers.restarts import RestartPolicy, Restarts

POLICY = RestartPolicy(delays_s=(1, 2, 4), settled_s=60)


def test_deaths_in_a_row_wait_longer_each_time_and_end() -> None:
    restarts = Restarts(POLICY)
    assert [restarts.after(served_s=0.1) for _ in range(4)] == [1, 2, 4, None]
    assert restarts.in_a_row == 4


def test_one_that_has_served_for_a_while_begins_a_new_row() -> None:
    restarts = Restarts(POLICY)
    assert [restarts.after(served_s) for served_s in (0, 59, 60, 0, 1e6)] == [1, 2, 1, 2, 1]

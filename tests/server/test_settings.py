"""Settings are checked once, with both values named."""

from dataclasses import replace

import pytest

from smserve.errors import InvalidInput
from smserve.server import Security, ServerSettings
from smserve.server.settings import default_in_flight


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", 65536),
        ("max_in_flight", 0),
        ("max_waiting", -1),
        ("grace_s", -1),
        ("metrics_port", 65536),
    ],
)
def test_out_of_range(name: str, value: int) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is {value}; wanted") as caught:
        ServerSettings(**{name: value})  # type: ignore[arg-type]  # by name
    assert caught.value.field == name


def test_the_drain_delay_is_for_load_balancers() -> None:
    assert ServerSettings(host="127.0.0.1").drain_delay == 0
    everywhere = ServerSettings(host="0.0.0.0", security=Security(insecure=True))  # noqa: S104 - nothing is bound
    assert everywhere.drain_delay == 5
    assert replace(everywhere, drain_delay_s=0.5).drain_delay == 0.5


def test_metrics_that_other_machines_can_read() -> None:
    assert not ServerSettings(metrics_host="0.0.0.0").shows_metrics  # noqa: S104 - there are none
    assert not ServerSettings(metrics_port=9464).shows_metrics
    assert not ServerSettings(metrics_port=9464, metrics_host="[::1]").shows_metrics
    assert ServerSettings(metrics_port=9464, metrics_host="0.0.0.0").shows_metrics  # noqa: S104 - nothing is bound


@pytest.mark.parametrize(("cores", "processes", "each"), [(1, 1, 2), (2, 1, 3), (2, 2, 2), (8, 3, 4), (2, 5, 2)])
def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch, cores: int, processes: int, each: int) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert default_in_flight(processes) == each

"""Settings are checked once, with both values named."""

import pytest

from smserve.errors import InvalidInput
from smserve.server import ServerSettings


@pytest.mark.parametrize(
    ("name", "value"), [("port", -1), ("port", 65536), ("max_in_flight", 0), ("max_waiting", -1), ("grace_s", -1)]
)
def test_out_of_range(name: str, value: int) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is {value}; wanted") as caught:
        ServerSettings(**{name: value})  # type: ignore[arg-type]  # by name
    assert caught.value.field == name


def test_the_drain_delay_is_for_load_balancers() -> None:
    assert ServerSettings(host="127.0.0.1").drain_delay == 0
    assert ServerSettings(host="0.0.0.0").drain_delay == 5  # noqa: S104 - nothing is bound
    assert ServerSettings(host="0.0.0.0", drain_delay_s=0.5).drain_delay == 0.5  # noqa: S104 - nothing is bound

"""Places of streams."""

import pytest

from smserve.errors import Overloaded, Unavailable
from smserve.server.places import StreamPlaces


def test_one_too_many_and_back_again() -> None:
    places = StreamPlaces(2)
    with places.hold():
        with places.hold(), pytest.raises(Overloaded, match="2 streams are open, the most"), places.hold():
            pass
        assert not places.wait_until_idle(0)
        with places.hold():
            assert places.open == 2
    assert places.wait_until_idle(0)


def test_a_place_comes_back_after_an_error() -> None:
    places = StreamPlaces(1)
    with pytest.raises(ZeroDivisionError), places.hold():
        _ = 1 / 0
    assert places.open == 0


def test_none_after_closing() -> None:
    places = StreamPlaces(1)
    with places.hold():
        places.close()
        with pytest.raises(Unavailable, match="shutting down"), places.hold():
            pass

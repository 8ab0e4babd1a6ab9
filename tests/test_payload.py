"""A payload is a mapping like the dict that its JSON says."""

import pytest

from smserve.types import Payload


def test_it_equals_the_dict() -> None:
    payload = Payload('{"größe": [1, null], "price": 2.5}')
    assert payload == {"größe": [1, None], "price": 2.5}
    assert payload["price"] == 2.5
    assert list(payload) == ["größe", "price"]
    assert repr(payload) == "{'größe': [1, None], 'price': 2.5}"


def test_an_empty_one_is_false() -> None:
    assert not Payload("{}")
    assert Payload('{"a": 0}')


def test_it_is_parsed_when_it_is_looked_into() -> None:
    payload = Payload("no JSON")
    assert payload.text == "no JSON"
    with pytest.raises(ValueError, match="Expecting value"):
        payload["a"]

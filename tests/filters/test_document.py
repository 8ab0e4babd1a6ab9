"""Filters as JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from smserve.errors import InvalidFilter
from smserve.filters import Equal, Filter, filter_from_document, filter_to_document, parse_filter
from tests.filters import strategies


def test_an_example() -> None:
    filter = parse_filter('label = "apple" and (5 <= price < 10 or color in ("red", 1)) and not exists(sold)')
    assert filter_to_document(filter) == {
        "and": [
            {"equal": {"field": "label", "value": "apple"}},
            {
                "or": [
                    {"range": {"field": "price", "gte": 5, "lt": 10}},
                    {"in": {"field": "color", "values": ["red", 1]}},
                ]
            },
            {"not": {"exists": {"field": "sold"}}},
        ]
    }


@settings(max_examples=300, deadline=None, database=None)
@given(strategies.filters)
def test_a_filter_is_read_back_from_its_json(filter: Filter) -> None:
    assert filter_from_document(json.loads(json.dumps(filter_to_document(filter)))) == filter


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        (None, "filter", "got None, wanted an object with one key of equal, in, range"),
        ({}, "filter", "wanted an object with one key"),
        ({"equals": {}}, "filter", "got {'equals': {}}, wanted"),
        ({"equal": {"field": "a"}}, "filter.equal", "wanted an object with the keys field, value"),
        ({"equal": {"field": "a", "value": [1]}}, "filter.equal", "can't be compared"),
        (
            {"and": [{"exists": {"field": "a"}}, {"not": {"range": {"field": "a", "less": 1}}}]},
            "filter.and[1].not.range",
            r"wanted an object with the keys field, gt \(optional\)",
        ),
        ({"and": {}}, "filter.and", "wanted a list of filters"),
        ({"or": []}, "filter.or", "at least one"),
        ({"in": {"field": "a", "values": "x"}}, "filter.in.values", "wanted a list of values"),
        ({"exists": {"field": "a..b"}}, "filter.exists", "names no field"),
        ({"range": {"field": "a"}}, "filter.range", "wanted one of gt and gte"),
        ({"equal": {"field": 1, "value": 1}}, "filter.equal", "named by text"),
        ({"equal": "x" * 1000}, "filter.equal", r"got 'x+\.\.\., wanted"),
    ],
    ids=range(13),
)
def test_what_is_wrong_is_said_with_its_place(document: object, field: str, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message) as caught:
        filter_from_document(document)
    assert caught.value.field == field
    assert caught.value.message.startswith(field)
    assert len(caught.value.message) < 400


def test_depth_is_bounded_while_it_is_read() -> None:
    document: dict[str, Any] = filter_to_document(Equal("a", 1))
    for _ in range(5000):
        document = {"not": document}
    with pytest.raises(InvalidFilter, match="more than 16 levels"):
        filter_from_document(document)

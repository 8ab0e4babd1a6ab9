"""What filters mean, as a table to be read."""

from typing import Any

import pytest

from smserve.filters import matches, parse_filter

APPLE: dict[str, Any] = {
    "price": 3,
    "weight": 2.0,
    "color": ["red", "green"],
    "sizes": [1, 12, "large", [5], {"x": 5}],
    "maker": {"country": "de", "a.b": 1, "old": {}},
    "makers": [{"country": "fr"}],
    "sold": False,
    "note": None,
    "empty": [],
    "label": "payload's own",
    "huge": 2**64,
}

TABLE = """
    # equality: numbers by value, texts by text, no type is another
    price = 3                             yes
    price = 3.0                           yes
    weight = 2                            yes
    price = "3"                           no
    price = true                          no
    sold = false                          yes
    sold = 0                              no
    note = null                           yes
    price != 4                            yes
    price != 3                            no
    # missing: nothing but not
    size = 3                              no
    size = null                           no
    size < 3                              no
    size in (1, null)                     no
    exists(size)                          no
    size != 3                             yes
    not exists(size)                      yes
    size not in (1, 2)                    yes
    # there, whatever the value
    exists(note)                          yes
    exists(sold)                          yes
    exists(empty)                         yes
    exists(maker.old)                     yes
    # order
    price < 3.5                           yes
    price < 3                             no
    price <= 3                            yes
    price > 2                             yes
    2 < price <= 3                        yes
    4 > price >= 3                        yes
    price < "4"                           no
    sold < 1                              no
    maker.country > "d"                   yes
    maker.country < "de"                  no
    maker.country <= "de"                 yes
    maker.country < "é"                   yes
    # arrays: one element is enough, and one element must meet both bounds
    color = "green"                       yes
    color = "blue"                        no
    color != "green"                      no
    color in ("blue", "red")              yes
    sizes > 10                            yes
    5 < sizes < 10                        no
    sizes > 5 and sizes < 10              yes
    sizes = 5                             no
    empty = null                          no
    not empty = 1                         yes
    # paths lead through objects alone; backticks for keys with a dot, and for the payload's own label
    maker.country = "de"                  yes
    maker = "de"                          no
    makers.country = "fr"                 no
    maker.`a.b` = 1                       yes
    maker.a.b = 1                         no
    price.x = 1                           no
    `label` = "payload's own"             yes
    label = "apple"                       yes
    label = "payload's own"               no
    item_id in ("a/1.jpg", "b")           yes
    item_id > "a/0" and item_id < "a/2"   yes
    item_id = 1                           no
    label = null                          no
    # whole numbers of more than 64 bits
    huge > 1                              no
    exists(huge)                          yes
    # together
    price = 3 and sold = true             no
    price = 3 or sold = true              yes
    price = 4 or price = 3 and sold=false yes
    not (price = 3 and sold = true)       yes
    not price = 3 and sold = true         no
    not not price = 3                     yes
"""
ROWS = [line.rsplit(maxsplit=1) for line in TABLE.splitlines() if line.strip() and not line.strip().startswith("#")]


@pytest.mark.parametrize(("text", "answer"), ROWS, ids=lambda value: value.strip())
def test_the_table(text: str, answer: str) -> None:
    found = matches(parse_filter(text), label="apple", item_id="a/1.jpg", payload=APPLE)
    assert found == {"yes": True, "no": False}[answer]


def test_an_empty_label_is_a_missing_one() -> None:
    for text, answer in (
        ("exists(label)", False),
        ('label = ""', False),
        ('label < "z"', False),
        ('label != "a"', True),
    ):
        assert matches(parse_filter(text), label="", item_id="a", payload={}) == answer

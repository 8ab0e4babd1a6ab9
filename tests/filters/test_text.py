"""From text to filters and back; what is wrong is said with its place."""

import re

import pytest
from hypothesis import given, settings

from smserve.errors import InvalidFilter
from smserve.filters import And, Equal, Exists, In, Not, Or, Range, format_filter, parse_filter
from smserve.filters.conditions import MAX_CONDITIONS, MAX_DEPTH, MAX_LENGTH, MAX_VALUES, Filter
from tests.filters import strategies


def test_an_example() -> None:
    text = 'label = "apple" and (price < 10 or color in ("red", "green")) and not exists(sold)'
    cheap, colored = Range(field="price", lt=10), In("color", ("red", "green"))
    assert parse_filter(text) == And((Equal("label", "apple"), Or((cheap, colored)), Not(Exists("sold"))))


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = Equal("a", 1), Equal("b", 2), Equal("c", 3)
    assert parse_filter("a = 1 or b = 2 and c = 3") == Or((a, And((b, c))))
    assert parse_filter("not a = 1 and b = 2") == And((Not(a), b))
    assert parse_filter("not (a = 1 and b = 2)") == Not(And((a, b)))


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        ("a=1", Equal("a", 1)),
        ("a == -1.5e3", Equal("a", -1500.0)),
        ("A IN (true,FALSE , null)", In("A", (True, False, None))),
        (r'a != "\"\u00e4\\"', Not(Equal("a", '"ä\\'))),
        ("a NOT IN (1)", Not(In("a", (1,)))),
        ("5<=a<10", Range(field="a", gte=5, lt=10)),
        ("10 >= a > 5", Range(field="a", gt=5, lte=10)),
        ('"b" < a', Range(field="a", gt="b")),
        ("`and`.`x y`.é-1 = 1", Equal("and.x y.é-1", 1)),
        ("`label`=1", Equal("`label`", 1)),
        ("`price` = 1", Equal("price", 1)),
        ("label.x = 1", Equal("label.x", 1)),
        ("exists ( `a.b`.c )", Exists("`a.b`.c")),
        ("and_more = 1", Equal("and_more", 1)),
    ],
)
def test_words(text: str, filter: Filter) -> None:
    assert parse_filter(text) == filter


@pytest.mark.parametrize(
    ("text", "position", "found", "wanted"),
    [
        ("", 1, "its end", "a condition"),
        ("price", 6, "its end", "=, !=, <"),
        ("price < < 3", 9, "<", "a value"),
        ("price < 3 4", 11, "4", "and, or, or the end"),
        ("price = 'x'", 9, "'x", "text in double quotes"),
        ('price = "x', 9, '"x', "a value"),
        ("price = 1.2.3", 9, "1.2.3", "a value"),
        ("price = 007", 9, "007", "a number as JSON"),
        ('a = "\\x"', 5, '"\\x"', "a text as JSON"),
        ("price = red", 9, "red", "a value"),
        ("(a = 1", 7, "its end", "a closing parenthesis"),
        ("a = 1)", 6, ")", "the end"),
        ("a in 1", 6, "1", "an opening parenthesis"),
        ("a in ()", 7, ")", "a value"),
        ("a in (1 2)", 9, "2", "a comma"),
        ("a not 1", 7, "1", "in"),
        ("exists a", 8, "a", "an opening parenthesis"),
        ("exists(1)", 8, "1", "the name of a field"),
        ("not", 4, "its end", "a condition"),
        ("or = 1", 1, "or", "a condition"),
        ("a < true", 3, "<", "no order"),
        ("1 = a", 3, "=", "the field comes first"),
        ("1 < a > 2", 7, ">", "< or <="),
        ("1 < 2", 5, "2", "the name of a field"),
        ("a.b. = 1", 4, ".", "=, !="),
        ("a & b", 3, "&", "=, !="),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, position: int, found: str, wanted: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    said = re.fullmatch(r"at character (\d+) of the filter: found (.*?), wanted (.*)", caught.value.message)
    assert said is not None, caught.value.message
    assert (int(said[1]), said[2]) == (position, found)
    assert wanted in said[3]
    assert caught.value.field == "filter"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1e999", "at character 1 of the filter: value inf of 'x' is not finite"),
        ("x = 9223372036854775808", "at character 1 of the filter: value 9223372036854775808 .* at most 64 bits"),
        (r'a = 1 and x = "\u0000"', "at character 11 of the filter: value .* holds a NUL"),
        (r'x = "\ud800"', "is no Unicode text"),
        ("`` = 1", "at character 1 of the filter: '``' names no field"),
        ('`a"b` = 1', "keys with quotes, backslashes or control characters"),
        (f'x = "{"a" * (MAX_LENGTH + 1)}"', "has 10,001 characters, the limit is 10,000"),
        ("(" * 1000, f"more than {MAX_DEPTH} levels deep"),
        ("not " * (MAX_DEPTH + 1) + "a = 1", f"more than {MAX_DEPTH} levels deep"),
        (" or ".join(["a = 1"] * (MAX_CONDITIONS + 1)), "has 257 conditions, the limit is 256"),
        (f"a in ({','.join(['1'] * (MAX_VALUES + 1))})", "compares with 10,001 values, the limit is 10,000"),
        (" " * 1_000_001, "has 1,000,001 characters, the limit is 1,000,000"),
    ],
    ids=range(12),
)
def test_limits(text: str, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message):
        parse_filter(text)


def test_the_largest_are_read() -> None:
    parse_filter("not " * MAX_DEPTH + "a = 1")
    parse_filter(" or ".join(["a = 1"] * MAX_CONDITIONS))
    parse_filter(f"a in ({','.join(['1'] * MAX_VALUES)})")


@settings(max_examples=300, deadline=None, database=None)
@given(strategies.filters)
def test_a_filter_is_read_back_from_its_text(filter: Filter) -> None:
    assert parse_filter(format_filter(filter)) == filter

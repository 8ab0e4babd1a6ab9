"""Random filters and payloads that often meet: few names, few values, the awkward ones among them."""

import math
from typing import Any

from hypothesis import strategies as st

from smserve.filters import And, Equal, Exists, Filter, In, Not, Or, Range, Scalar

FIELDS = ("label", "item_id", "a", "b", "a.b", "`a.b`", "`label`", "é x.b", "0", "it's")
TEXTS = ("", "a", "b", "ab", "aé", "a\ud7ff", "a\U0001f34e", "B", "1", "it's", 'a "b"', "a\\n", "a\n", "{}", "null")
WHOLE = (0, 1, -1, 2, 10, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
REALS = (0.0, -0.0, 1.0, 1.5, 0.1, 0.30000000000000004, 0.3, 2.0**53, 2.0**63, -(2.0**63), 1e22, 1e300, 5e-324, -1.5)


def near(number: float) -> st.SearchStrategy[float]:
    """The number and the doubles beside it, which SQLite may not tell apart."""
    beside = (number, math.nextafter(number, math.inf), math.nextafter(number, -math.inf))
    return st.sampled_from([each for each in beside if math.isfinite(each)])


numbers = st.one_of(
    st.sampled_from(WHOLE),
    st.sampled_from(REALS).flatmap(near),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.sampled_from(TEXTS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
)
scalars: st.SearchStrategy[Scalar] = st.one_of(texts, numbers, st.booleans(), st.none())
fields = st.sampled_from(FIELDS)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    bound = draw(st.sampled_from([texts, numbers]))
    names = draw(st.sampled_from([("gt",), ("gte",), ("lt",), ("lte",), ("gt", "lt"), ("gte", "lte"), ("gt", "lte")]))
    bounds: dict[str, Any] = {name: draw(bound) for name in names}
    return Range(field=draw(fields), **bounds)


leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equal, fields, scalars),
    st.builds(In, fields, st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    ranges(),
    st.builds(Exists, fields),
)


def _nested(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, parts))


filters: st.SearchStrategy[Filter] = st.recursive(leaves, _nested, max_leaves=6)

stored_scalars = st.one_of(
    scalars,
    st.sampled_from(["a\0", "a\0b", "\0", "aé\0", 2**63, -(2**63) - 1, 10**30]),  # storable, no value of a filter
)
values = st.recursive(
    stored_scalars,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "x"]), parts, max_size=2)
    ),
    max_leaves=4,
)
payloads = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "label", "item_id", "é x", "0", "it's", 'q"']), values, max_size=4
)
labels = st.sampled_from([*TEXTS, "a\0", "a\0b"])

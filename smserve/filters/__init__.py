"""Filters: which items of a gallery may be found, by label, id and payload. See docs/filters.md.

`conditions` is the language as values, `text` and `document` are its two written forms, `matching` says what it means.
"""

from smserve.filters.conditions import And, Equal, Exists, Filter, In, Not, Or, Range, Scalar
from smserve.filters.document import filter_from_document, filter_to_document
from smserve.filters.formatting import format_filter
from smserve.filters.matching import matches
from smserve.filters.text import parse_filter

__all__ = [
    "And",
    "Equal",
    "Exists",
    "Filter",
    "In",
    "Not",
    "Or",
    "Range",
    "Scalar",
    "filter_from_document",
    "filter_to_document",
    "format_filter",
    "matches",
    "parse_filter",
]

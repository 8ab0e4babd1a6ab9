"""Filters as people write them: `label = "apple" and (price < 10 or color in ("red", "green")) and not exists(sold)`.

    either     = both {"or" both}
    both       = negation {"and" negation}
    negation   = "not" negation | "(" either ")" | "exists" "(" field ")" | comparison
    comparison = field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
               | field ["not"] "in" "(" value {"," value} ")"
               | value order field [order value]           with order = "<" | "<=" | ">" | ">=", the same way both times

A recursive descent by hand: with a parser generator the grammar and the words of its errors would be as long again.
"""

import json
from collections.abc import Callable
from typing import Final, TypeVar

from smserve.errors import InvalidFilter
from smserve.filters.conditions import MAX_DEPTH, And, Equal, Exists, Filter, In, Not, Or, Range, Scalar, depth_refused
from smserve.filters.field import canonical_field
from smserve.filters.tokens import Token, tokens

__all__ = ["parse_filter"]

T = TypeVar("T")

_MAX_LENGTH: Final = 1_000_000
_SHOWN: Final = 40
_BOUND: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_MIRRORED: Final = {"<": "gt", "<=": "gte", ">": "lt", ">=": "lte"}
_CONSTANTS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}
_VALUE: Final = "a value (text in double quotes, a number, true, false or null)"
_CONDITION: Final = "a condition such as price < 10, not, exists or an opening parenthesis"


def parse_filter(text: str) -> Filter:
    """Return the filter that a text means.

    Raises:
        InvalidFilter: It means none; the message says at which character, what stands there and what was wanted.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidFilter(f"the filter has {len(text):,} characters, the limit is {_MAX_LENGTH:,}")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._tokens: Final = tokens(text)
        self._next = next(self._tokens)
        self._depth = 0

    def whole(self) -> Filter:
        filter = self._either()
        if self._next.kind != "end":
            raise self._refused(self._next, "and, or, or the end")
        return filter

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._accept("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._negation()]
        while self._accept("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> Filter:
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:  # a level of and, or, not can have parentheses of its own
            raise depth_refused()
        if self._accept("not"):
            filter: Filter = Not(self._negation())
        elif self._accept("("):
            filter = self._either()
            self._expect(")", "and, or, or a closing parenthesis")
        elif self._accept("exists"):
            self._expect("(", "an opening parenthesis")
            filter = Exists(self._field())
            self._expect(")", "a closing parenthesis")
        elif self._next.kind == "field":
            filter = self._comparison()
        else:
            filter = self._mirrored()
        self._depth -= 1
        return filter

    def _comparison(self) -> Filter:
        start, field = self._next, self._field()
        negated = self._accept("not")
        if negated or self._next.text == "in":
            self._expect("in", "in")
            self._expect("(", "an opening parenthesis")
            values = [self._value(_VALUE)]
            while self._accept(","):
                values.append(self._value(_VALUE))
            self._expect(")", "a comma or a closing parenthesis")
            filter: Filter = self._made(start, In, field, tuple(values))
            return Not(filter) if negated else filter
        sign = self._next
        if sign.text not in {"=", "==", "!=", *_BOUND}:
            raise self._refused(sign, "=, !=, <, <=, >, >=, in or not in")
        self._advance()
        value = self._value(_VALUE)
        if sign.text in _BOUND:
            return self._range(sign, field, {_BOUND[sign.text]: value})
        filter = self._made(start, Equal, field, value)
        return Not(filter) if sign.text == "!=" else filter

    def _mirrored(self) -> Filter:
        first, sign = self._value(_CONDITION), self._next
        if sign.text not in _BOUND:
            raise self._refused(sign, "<, <=, > or >= (with = and != the field comes first)")
        self._advance()
        field, bounds = self._field(), {_MIRRORED[sign.text]: first}
        second = self._next
        if second.text in _BOUND:
            if second.text[0] != sign.text[0]:
                raise self._refused(second, f"{sign.text[0]} or {sign.text[0]}=, the way of the first bound")
            self._advance()
            bounds[_BOUND[second.text]] = self._value(_VALUE)
        return self._range(sign, field, bounds)

    def _range(self, sign: Token, field: str, bounds: dict[str, Scalar]) -> Filter:
        if any(bound is None or isinstance(bound, bool) for bound in bounds.values()):
            raise self._refused(sign, "= or !=, since true, false and null have no order")
        return self._made(sign, Range, field=field, **bounds)

    def _field(self) -> str:
        token = self._next
        if token.kind != "field":
            raise self._refused(token, "the name of a field (in backticks where it is no plain word)")
        self._advance()
        return self._made(token, canonical_field, token.text)

    def _value(self, wanted: str) -> Scalar:
        token = self._next
        if token.kind == "keyword" and token.text in _CONSTANTS:
            self._advance()
            return _CONSTANTS[token.text]
        if token.kind not in {"number", "text"}:
            raise self._refused(token, wanted)
        self._advance()
        try:
            value: Scalar = json.loads(token.text)
        except ValueError:
            raise self._refused(token, f"a {token.kind} as JSON writes it") from None
        return value

    def _accept(self, word: str) -> bool:
        """Go past a sign or keyword if it comes next."""
        if self._next.text != word:
            return False
        self._advance()
        return True

    def _expect(self, word: str, wanted: str) -> None:
        if not self._accept(word):
            raise self._refused(self._next, wanted)

    def _advance(self) -> None:
        self._next = next(self._tokens)

    def _made(self, token: Token, make: Callable[..., T], *values: object, **named: object) -> T:
        """Make a part of the filter; where it refuses its values, say where they stand."""
        try:
            return make(*values, **named)
        except InvalidFilter as error:
            raise InvalidFilter(f"at character {token.position} of the filter: {error.message}") from None

    def _refused(self, token: Token, wanted: str) -> InvalidFilter:
        found = "its end" if token.kind == "end" else token.text[:_SHOWN]
        return InvalidFilter(f"at character {token.position} of the filter: found {found}, wanted {wanted}")

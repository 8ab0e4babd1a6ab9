"""The words of a filter's text."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["BARE_KEY", "KEYWORDS", "Token", "tokens"]

KEYWORDS: Final = frozenset({"and", "or", "not", "in", "exists", "true", "false", "null"})
BARE_KEY: Final = re.compile(r"[^\W\d][\w-]*")

_KEY: Final = rf"(?:{BARE_KEY.pattern}|`[^`]*`)"
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<text>"(?:[^"\\]|\\.)*")
  | (?P<field>{_KEY}(?:\.{_KEY})*)
  | (?P<sign>==|!=|<=|>=|[=<>(),])
  | (?P<unknown>\S[\w.]*)
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """One word.

    Attributes:
        kind: "number", "text", "field", "sign", "keyword", "unknown" or "end".
        text: As it was written; a keyword in small letters.
        position: Of its first character, from 1.
    """

    kind: str
    text: str
    position: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the words, and "end" after them; what is no word is "unknown", so the reader can say what it wanted."""
    for found in _TOKEN.finditer(text):
        kind, word = str(found.lastgroup), found.group()
        if kind == "field" and word.lower() in KEYWORDS:
            kind, word = "keyword", word.lower()
        if kind != "space":
            yield Token(kind, word, found.start() + 1)
    yield Token("end", "", len(text) + 1)

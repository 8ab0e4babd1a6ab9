"""The name of a field: `label`, `item_id`, or payload keys from the outside in, `maker.country`.

A key that holds a dot, or that would be taken for `label` or `item_id`, stands in backticks: `` `a.b`.c ``,
`` `label` ``.
"""

import re
from typing import Final

from smserve.errors import InvalidFilter

__all__ = ["ITEM_ID", "LABEL", "canonical_field", "payload_path"]

LABEL: Final = "label"
ITEM_ID: Final = "item_id"

_MAX_LENGTH: Final = 1000
_KEY: Final = re.compile(r"`([^`]+)`|([^`.]+)")
# A key with these is stored escaped, and versions of SQLite differ in how they look such a key up.
_UNUSABLE: Final = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def payload_path(field: str) -> tuple[str, ...] | None:
    """Return the keys that lead to a field in the payload; None for the item's own label and id.

    Raises:
        InvalidFilter: It is no name of a field.
    """
    if not isinstance(field, str):
        raise InvalidFilter(f"a field is named by text, got {field!r}")
    if field in {LABEL, ITEM_ID}:
        return None
    if len(field) > _MAX_LENGTH:
        raise InvalidFilter(f"a field's name has {len(field):,} characters, the limit is {_MAX_LENGTH:,}")
    if unusable := _UNUSABLE.search(field):
        raise InvalidFilter(
            f"field {field!r} holds {unusable[0]!r}; keys with quotes, backslashes or control characters can't be "
            f"filtered by"
        )
    keys, position = [], 0
    while found := _KEY.match(field, position):
        keys.append(found[1] or found[2])
        position = found.end()
        if position == len(field):
            return tuple(keys)
        if field[position] != ".":
            break
        position += 1
    raise InvalidFilter(
        f"{field!r} names no field (see its character {position + 1}); wanted label, item_id or payload keys joined by "
        f"dots, a key with a dot of its own in backticks"
    )


def canonical_field(field: str) -> str:
    """Return the name of the same field with no more backticks than it needs."""
    path = payload_path(field)
    if path is None:
        return field
    if len(path) == 1 and path[0] in {LABEL, ITEM_ID}:
        return f"`{path[0]}`"
    return ".".join(f"`{key}`" if "." in key else key for key in path)

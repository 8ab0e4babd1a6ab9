"""What a filter means, in plain Python: the reference that every other evaluation agrees with.

- A field that is missing matches nothing, so `not` of it matches; `null` is a value, and is there. An empty label is a
  missing one. Keys lead through objects, not through arrays.
- Of an array each element is looked at, and one that matches is enough; a range wants one element between both bounds.
  Elements that are arrays or objects themselves match nothing.
- Numbers are compared by value (1 is 1.0), texts by code points, true, false and null by identity; values of different
  types are neither equal nor in order. A stored whole number of more than 64 bits matches nothing, but is there.
"""

from collections.abc import Mapping
from typing import Any, Final

from smserve.filters.conditions import And, Equal, Exists, Filter, In, Not, Or, Range, Scalar
from smserve.filters.field import LABEL, payload_path

__all__ = ["matches"]

_MISSING: Final = object()


def matches(filter: Filter, *, label: str, item_id: str, payload: Mapping[str, Any]) -> bool:
    """Say whether an item meets a filter; `payload` is what JSON gives: dict, list, str, int, float, bool, None."""
    match filter:
        case And(parts):
            return all(matches(part, label=label, item_id=item_id, payload=payload) for part in parts)
        case Or(parts):
            return any(matches(part, label=label, item_id=item_id, payload=payload) for part in parts)
        case Not(part):
            return not matches(part, label=label, item_id=item_id, payload=payload)
        case Equal(field) | In(field) | Range(field=field) | Exists(field):
            path = payload_path(field)
            found = _look_up(path, payload) if path else (label or _MISSING) if field == LABEL else item_id
            if found is _MISSING or isinstance(filter, Exists):
                return found is not _MISSING
            return any(_meets(filter, value) for value in (found if isinstance(found, list) else [found]))
    raise TypeError(filter)  # the language is closed


def _look_up(path: tuple[str, ...], payload: Any) -> Any:
    for key in path:
        if not isinstance(payload, Mapping) or key not in payload:
            return _MISSING
        payload = payload[key]
    return payload


def _meets(filter: Filter, value: Any) -> bool:
    match filter:
        case Equal(_, wanted):
            return _same(value, wanted)
        case In(_, values):
            return any(_same(value, wanted) for wanted in values)
        case Range():
            return (
                (filter.gt is None or (_ordered(value, filter.gt) and value > filter.gt))
                and (filter.gte is None or (_ordered(value, filter.gte) and value >= filter.gte))
                and (filter.lt is None or (_ordered(value, filter.lt) and value < filter.lt))
                and (filter.lte is None or (_ordered(value, filter.lte) and value <= filter.lte))
            )
    return False


def _same(value: Any, wanted: Scalar) -> bool:
    if wanted is None or isinstance(wanted, bool):
        return value is wanted
    return _ordered(value, wanted) and bool(value == wanted)


def _ordered(value: Any, bound: str | float) -> bool:
    """Whether the two can be compared: both text, or both numbers."""
    if isinstance(bound, str):
        return isinstance(value, str)
    if isinstance(value, int):
        return not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, float)

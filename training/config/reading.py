"""Settings from JSON or TOML, held to the types that the dataclasses declare."""

import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin

from smserve.errors import InvalidInput
from training.config.nearest import did_you_mean

__all__ = ["read_settings"]


def read_settings(kind: type[Any], document: Any, path: str = "") -> Any:
    """Build a nested dataclass of settings from nested dictionaries.

    Args:
        kind: The dataclass.
        document: Name -> value.
        path: What messages put before a name, for example "model.".

    Raises:
        InvalidInput: A setting is unknown, missing, of another type, or refused by its dataclass.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"settings {path or 'of a run'} are {document!r}; wanted names with values", field=path)
    known = {each.name: each for each in fields(kind)}
    for name in document:
        if name not in known:
            meant = did_you_mean(str(name), known) or f"; there are {', '.join(known)}"
            raise InvalidInput(f"setting {path}{name} is unknown{meant}", field=f"{path}{name}")
    values = {}
    for name, each in known.items():
        if name in document:
            values[name] = _read(each.type, document[name], f"{path}{name}")
        elif each.default is MISSING and each.default_factory is MISSING:
            raise InvalidInput(f"setting {path}{name} is missing", field=f"{path}{name}")
    try:
        return kind(**values)
    except ValueError as error:
        raise InvalidInput(f"settings {path or 'of a run'}: {error}", field=path) from None


def _read(kind: Any, value: Any, name: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return read_settings(kind, value, f"{name}.")
    if get_origin(kind) is tuple:  # tuple[float, ...], which JSON holds as a list
        element = get_args(kind)[0]
        if not isinstance(value, list | tuple):
            raise InvalidInput(f"setting {name} is {value!r}; wanted a list of {element.__name__}", field=name)
        return tuple(_read(element, each, f"{name}[{place}]") for place, each in enumerate(value))
    choices = get_args(kind)
    if choices and all(isinstance(choice, str) for choice in choices):  # a Literal
        if value not in choices:
            raise InvalidInput(f"setting {name} is {value!r}; wanted one of {', '.join(choices)}", field=name)
        return value
    allowed = choices or (kind,)
    fits = any(
        value is None if each is NoneType else type(value) is each or (each is float and type(value) is int)
        for each in allowed
    )
    if not fits:
        wanted = " or ".join("null" if each is NoneType else each.__name__ for each in allowed)
        raise InvalidInput(f"setting {name} is {value!r}; wanted {wanted}", field=name)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"setting {name} is {value}; wanted a finite number", field=name)
    return value

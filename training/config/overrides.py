"""Settings as a person types them: `sampler.batch_size=64`."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin

from smserve.errors import InvalidInput
from training.config.nearest import nearest
from training.config.run import TrainConfig

__all__ = ["override", "setting_choices", "setting_names"]


def setting_names() -> list[str]:
    """Return the full name of every setting that can be overridden, for example "sampler.batch_size"."""
    return list(_settings())


def setting_choices(name: str) -> list[str]:
    """Return the words that a setting takes, for completion; none where it takes numbers or any text."""
    kind = _settings().get(name)
    if kind is bool:
        return ["true", "false"]
    words = [each for each in get_args(kind) if isinstance(each, str)]
    return [*words, "none"] if NoneType in get_args(kind) else words


def override(config: TrainConfig, assignments: Iterable[str]) -> TrainConfig:
    """Return a config with settings replaced; of one that is named twice the last holds.

    Args:
        config: What to start from.
        assignments: Each "name=value"; "none" is no value, and a list has commas between its values.

    Raises:
        InvalidInput: A setting is unknown, its value is of another type or out of range, or settings don't go together.
    """
    kinds = _settings()
    document = config.to_dict()
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals:
            raise InvalidInput(
                f"setting {assignment!r} has no value; wanted NAME=VALUE, for example sampler.batch_size=64",
                field="set",
            )
        if name == "recipe":
            raise InvalidInput(
                f"setting recipe is {text!r}; a recipe is chosen with --recipe, and --set changes it", field="recipe"
            )
        if name not in kinds:
            raise InvalidInput(f"setting {name} is unknown{_meant(name, kinds)}", field=name)
        *groups, last = name.split(".")
        group = document
        for each in groups:
            group = group[each]
        group[last] = _value(kinds[name], text.strip())
    return TrainConfig.from_dict(document)


def _settings() -> dict[str, Any]:
    """Return full name -> declared type of every setting."""
    found: dict[str, Any] = {}

    def collect(kind: Any, prefix: str) -> None:
        for each in fields(kind):
            if is_dataclass(each.type):
                collect(each.type, f"{prefix}{each.name}.")
            else:
                found[prefix + each.name] = each.type

    collect(TrainConfig, "")
    del found["recipe"]
    return found


def _meant(name: str, known: Iterable[str]) -> str:
    """Return what to try instead: a name like it in its group, the same one in any, one like it, else all there are."""
    known = list(known)
    group, dot, last = name.rpartition(".")
    inside = [each.rpartition(".")[2] for each in known if each.rpartition(".")[0] == group]
    alike = [f"{group}{dot}{each}" for each in nearest(last, inside)]
    same = [each for each in known if each.rpartition(".")[2] == last]
    close = (alike[:1] or same or nearest(name, known))[:3]
    return f"; did you mean {', '.join(close)}?" if close else f"; there are {', '.join(known)}"


def _value(kind: Any, text: str) -> Any:
    """Return the value that a text stands for; where it is of another type, the text, for `read_settings` to refuse."""
    if get_origin(kind) is tuple:
        element = get_args(kind)[0]
        return [_value(element, part.strip()) for part in text.strip("[]()").split(",") if part.strip()]
    allowed = get_args(kind) or (kind,)
    if NoneType in allowed and text.lower() in {"none", "null"}:
        return None
    if bool in allowed and text.lower() in {"true", "false", "yes", "no", "on", "off"}:
        return text.lower() in {"true", "yes", "on"}
    if int in allowed or float in allowed:
        try:
            return json.loads(text) if text.lower() not in {"true", "false", "null"} else text
        except ValueError:  # ".5", "1e-3" with a sign, and other ways that JSON doesn't know
            return _number(text)
    return text


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text

"""The command that repeats a run, from what the run noted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.trainer import RunFolder

__all__ = ["repeat_command"]


def repeat_command(folder: RunFolder) -> str:
    """Return the command line: the recipe and each setting that is not the recipe's, or else the run's own settings.

    The repeated run has the name of this one with "-again".

    Raises:
        NotFound: The folder is no run.
        DataLoss: Its config.json is damaged.
    """
    from training.config import override
    from training.recipes import RECIPES

    config, dataset = folder.read_config()
    words = ["python", "-m", "training", "train", "--dataset", dataset, "--name", f"{folder.path.name}-again"]
    if config.recipe in RECIPES:
        recipe = RECIPES[config.recipe].make()
        given, wanted = _flatten(recipe.to_dict()), _flatten(config.to_dict())
        changes = [f"{name}={_typed(value)}" for name, value in wanted.items() if value != given[name]]
        if override(recipe, changes) == config:  # a text that starts or ends with a space can't be typed so
            words += ["--recipe", config.recipe]
            words += [word for change in changes for word in ("--set", change)]
            return shlex.join([*words, *_accepted(folder)])
    return shlex.join([*words, "--config", str(folder.config_file), *_accepted(folder)])


def _accepted(folder: RunFolder) -> list[str]:
    return [f"--{name.replace('_', '-')}" for name, yes in folder.accepted().items() if yes]


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _typed(value: Any) -> str:
    """Return a value as `--set` takes it."""
    if isinstance(value, list | tuple):
        return ",".join(_typed(each) for each in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)

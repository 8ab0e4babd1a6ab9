"""A config in a file: what `--print-config` printed, the config.json of a run, or TOML by hand."""

import json
import tomllib
from pathlib import Path
from typing import Any

from smserve.errors import InvalidInput
from training.config.run import TrainConfig

__all__ = ["read_config_file"]


def read_config_file(path: Path) -> TrainConfig:
    """Return the settings of a file; what it leaves out has its default.

    Args:
        path: `.toml`, or anything else as JSON; of a run's config.json the settings are taken.

    Raises:
        InvalidInput: There is no such file, it is neither, or a setting is refused; names the file.
    """
    document: Any
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise InvalidInput(f"there is no config {path}; check the path", field="config") from None
    except OSError as error:
        raise InvalidInput(f"config {path} can't be read ({error.strerror}); check the path", field="config") from None
    except ValueError as error:
        wanted = "TOML" if path.suffix == ".toml" else "JSON"
        raise InvalidInput(
            f"config {path} is no {wanted} ({error}); wanted what --print-config prints", field="config"
        ) from None
    if isinstance(document, dict) and isinstance(document.get("config"), dict):
        document = document["config"]
    try:
        return TrainConfig.from_dict(document)
    except InvalidInput as error:
        raise InvalidInput(f"config {path}: {error.message}", field=error.field) from None

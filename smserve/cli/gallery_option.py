"""The option `--gallery [NAME=]DIR`."""

import re
from pathlib import Path
from typing import Any

import click

__all__ = ["GalleryParameter"]


class GalleryParameter(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    """A gallery and the name to serve it under; without a name, its folder's own."""

    name = "[NAME=]DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """Return (name, folder)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([\w.-]+)=(.+)", value)
        name, folder = (found.group(1), Path(found.group(2))) if found else ("", Path(value))
        if not folder.is_dir():
            self.fail(f"there is no folder {str(folder)!r}; make a gallery with `smserve index build`", param, ctx)
        return name or folder.resolve().name, folder

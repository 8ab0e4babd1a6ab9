"""The option `--gallery [NAME=]GALLERY`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smserve.cli.place import milvus_address

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["GalleryParameter"]


class GalleryParameter(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    """A gallery and the name to serve it under; without a name, that of its folder, or of its collection in Milvus."""

    name = "[NAME=]GALLERY"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | MilvusAddress]:
        """Return (name, folder or address)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([\w.-]+)=(.+)", value)
        name, place = (found.group(1), found.group(2)) if found else ("", value)
        address = milvus_address(place, self, param, ctx)
        if address is not None:
            return name or address.name, address
        folder = Path(place)
        if not folder.is_dir():
            self.fail(f"there is no folder {str(folder)!r}; make a gallery with `smserve index build`", param, ctx)
        return name or folder.resolve().name, folder

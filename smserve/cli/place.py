"""Where a gallery lies, as an argument: a folder, or for the commands that can work with one, an address of Milvus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["CopiedParameter", "FolderPath", "PlaceParameter", "milvus_address"]

_ADDRESS = re.compile(r"\w+(\+\w+)?://")


class FolderPath(click.Path):
    """A gallery's folder; told apart from an address, which such a command has no use for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder."""
        if isinstance(value, str) and _ADDRESS.match(value):
            self.fail(
                f"this works on a gallery in a folder, not on {value.partition('://')[0]}://; Milvus has tools of its "
                f"own for that, see docs/milvus.md",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class PlaceParameter(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    """A folder, which need not be there, or an address of Milvus."""

    name = "GALLERY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | MilvusAddress:
        """Return it."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        found = milvus_address(value, self, param, ctx)
        if found is not None:
            return found
        folder: Path = FolderPath(file_okay=False, path_type=Path).convert(value, param, ctx)
        return folder


class CopiedParameter(PlaceParameter):
    """What a copy comes from or goes to: a Parquet file, too, by its name."""

    name = "GALLERY|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | MilvusAddress:
        """Return it."""
        if isinstance(value, str) and value.endswith(".parquet") and not _ADDRESS.match(value):
            file: Path = click.Path(dir_okay=False, path_type=Path).convert(value, param, ctx)
            return file
        return super().convert(value, param, ctx)


def milvus_address(
    text: str,
    kind: click.ParamType,  # type: ignore[type-arg]  # as above
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> MilvusAddress | None:
    """Return the address that a text is; None for a folder."""
    if not _ADDRESS.match(text):
        return None
    from smserve.errors import InvalidInput
    from smserve.gallery.milvus import MilvusAddress

    try:
        return MilvusAddress.parse(text)
    except InvalidInput as error:
        kind.fail(error.message, param, ctx)

"""Which pictures, under which names: a folder or a CSV file."""

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput
from smserve.gallery import NewItem
from smserve.types import FloatArray

__all__ = ["SourceItem", "check_sources", "items_from_csv", "pictures_in"]

_SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp"}
_KNOWN: Final = ("path", "label", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """A picture to index.

    Attributes:
        item_id: Its name in the gallery.
        path: The file.
        label: Its class; empty for none.
        payload: Further columns, as text.
    """

    item_id: str
    path: Path
    label: str = ""
    payload: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """Where the picture lies, whatever folder one asks from."""
        return str(self.path.absolute())

    def embedded(self, vector: FloatArray, *, sha256: str, thumbnail: bytes | None) -> NewItem:
        """Return it as a gallery takes it: with its vector (D,), its file's sha256, and perhaps a small JPEG."""
        return NewItem(
            item_id=self.item_id,
            vector=vector,
            label=self.label,
            payload=self.payload,
            source_uri=self.uri,
            source_sha256=sha256,
            thumbnail=thumbnail,
        )


def pictures_in(folder: Path) -> list[SourceItem]:
    """Return every JPEG, PNG and WebP below a folder, sorted, numbers by value.

    An item's id is its path in the folder; its label the name of the folder that it lies in, empty for those directly
    in `folder`. Hidden files and folders are left out, links to folders not followed.

    Raises:
        InvalidInput: There is no such folder, one below it can't be read, or there is no picture in it.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; check the path", field="images")
    items = []
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if path.suffix.lower() in _SUFFIXES and not name.startswith("."):
                inside = path.relative_to(folder)
                items.append(SourceItem(item_id=inside.as_posix(), path=path, label=inside.parent.name or ""))
    if not items:
        raise InvalidInput(f"there is no JPEG, PNG or WebP below {folder}; check the path", field="images")
    return sorted(items, key=lambda item: _natural(item.item_id))


def items_from_csv(file: Path) -> list[SourceItem]:
    """Return the pictures that a CSV file lists, in its order.

    Columns: `path` (relative to the file's folder), and, where they are there, `label` and `id` (the item's name; its
    path by default). Every further column becomes payload.

    Raises:
        InvalidInput: The file can't be read, has no column `path`, no row, an empty path, a row of another length, or
            the same id twice, or quotes that do not close; file and line are named.
    """
    items: dict[str, SourceItem] = {}
    lines: dict[str, int] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            for line, row in _rows(file, text):
                path = row["path"].strip()
                if not path:
                    raise InvalidInput(f"{file}, line {line}: the path is empty; name a picture", field="csv")
                item_id = row.get("id", "").strip() or path
                if item_id in items:
                    raise InvalidInput(
                        f"{file}, line {line}: id {item_id!r} stands in line {lines[item_id]} too; ids must differ, so "
                        f"add or mend the column id",
                        field="csv",
                    )
                lines[item_id] = line
                items[item_id] = SourceItem(
                    item_id=item_id,
                    path=file.parent / path,
                    label=row.get("label", "").strip(),
                    payload={name: value for name, value in row.items() if name not in _KNOWN},
                )
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror}; check the path", field="csv") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{file} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8", field="csv"
        ) from None
    if not items:
        raise InvalidInput(f"{file} lists no picture; it needs a row a picture below its header", field="csv")
    return list(items.values())


def check_sources(sources: Sequence[SourceItem]) -> None:
    """Check that there are pictures, under different names.

    Raises:
        InvalidInput: There is none, or two have the same id.
    """
    if not sources:
        raise InvalidInput("there is no picture to index; give at least one", field="images")
    ids: set[str] = set()
    for item in sources:
        if item.item_id in ids:
            raise InvalidInput(f"two pictures have the id {item.item_id!r}; ids must differ", field="images")
        ids.add(item.item_id)


def _rows(file: Path, text: Iterator[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and row, each of the header's length."""
    lines = _lines(file, text)
    _, first = next(lines, (0, []))
    header = [name.strip() for name in first]
    if "path" not in header:
        raise InvalidInput(
            f"{file} has the columns {', '.join(header) or '(none)'}; wanted a header with `path`, and `label` "
            f"and `id` where there are any",
            field="csv",
        )
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InvalidInput(f"{file} has the column {twice!r} twice; give each its own name", field="csv")
    for line, values in lines:
        if not values:
            continue
        if len(values) != len(header):
            raise InvalidInput(
                f"{file}, line {line}: {len(values)} values, wanted {len(header)} as in the header; quote "
                f"values that contain commas",
                field="csv",
            )
        yield line, dict(zip(header, values, strict=True))


def _lines(file: Path, text: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and values; a row of several lines has the number of its last one."""
    reader = csv.reader(text, strict=True)
    try:
        for values in reader:
            yield reader.line_num, values
    except csv.Error as error:
        raise InvalidInput(
            f"{file}, line {reader.line_num}: this is no CSV ({error}); mend the quotes, and save it as text with "
            f"commas between",
            field="csv",
        ) from None


def _refuse(error: OSError) -> None:
    raise InvalidInput(f"folder {error.filename} can't be read: {error.strerror}; check its rights", field="images")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which 2.jpg comes before 10.jpg."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part] + [(2, 0, name)]

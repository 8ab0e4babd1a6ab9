"""The text files in which published data sets list their pictures: a line a picture, columns between spaces."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from smserve.errors import DataLoss

__all__ = ["read_list"]


def read_list(
    path: Path, columns: Mapping[str, Callable[[str], Any]], *, header_lines: int = 0
) -> Iterator[tuple[Any, ...]]:
    """Yield each line's values, converted; the last column takes the rest of the line, empty lines are passed by.

    Args:
        path: UTF-8.
        columns: Name and conversion of each column; a conversion raises ValueError for what it doesn't take.
        header_lines: Lines before the first picture. The last of them must name the columns.

    Raises:
        DataLoss: The file can't be read, or a line is not as it should be.
    """
    try:
        lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataLoss(f"{path} can't be read ({error.strerror}); {_AGAIN}") from None
    if header_lines:
        header = lines[header_lines - 1] if len(lines) >= header_lines else ""
        if header.split() != list(columns):
            raise _wrong(path, header_lines, header, columns)
    for number, text in enumerate(lines[header_lines:], start=header_lines + 1):
        if not text.strip():
            continue
        values = text.strip().split(None, len(columns) - 1)
        if len(values) != len(columns):
            raise _wrong(path, number, text, columns)
        try:
            yield tuple(convert(value) for convert, value in zip(columns.values(), values, strict=True))
        except ValueError:
            raise _wrong(path, number, text, columns) from None


_AGAIN = "unpack the archive again"


def _wrong(path: Path, line: int, text: str, columns: Mapping[str, object]) -> DataLoss:
    return DataLoss(f"{path}, line {line}: {text[:80]!r}, wanted {' '.join(columns)}; {_AGAIN}")

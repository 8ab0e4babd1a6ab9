"""Anybody's pictures: a CSV with the columns path, label and, if wanted, id and split; and such a file written."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput
from training.datasets.class_split import LabelledPicture, split_by_class, to_picture_set, without_duplicates
from training.datasets.pictures import Dataset, PictureSet

__all__ = ["load_csv", "write_csv"]

_SPLITS: Final = ("train", "validation", "test")
_MIN_CLASSES = 2
_MAX_NAMED = 10


def load_csv(path: Path, *, allow_shared_classes: bool = False) -> Dataset:
    """Return the pictures that a CSV lists; further columns are passed by.

    A relative path is relative to the CSV's folder. Without a column `split` the classes are split by `split_by_class`.

    Args:
        path: UTF-8, with a header.
        allow_shared_classes: Accept a class in two splits.

    Raises:
        InvalidInput: Names the file, the line, the value got and the value wanted.
    """
    pictures: dict[Path, LabelledPicture] = {}
    splits: dict[Path, str] = {}
    lines: dict[Path, int] = {}
    missing: list[str] = []
    for line, row in _rows(path):
        picture = LabelledPicture(path=path.parent / row["path"], label=row["label"], id=row.get("id") or row["path"])
        split = row.get("split", "")
        if "split" in row and split not in _SPLITS:
            raise _wrong(path, line, f"split is {split!r}, wanted {' or '.join(_SPLITS)}", field="split")
        file = picture.path.resolve()
        if file in pictures:
            raise _wrong(
                path, line, f"{row['path']} is listed in line {lines[file]} already; list it once", field="path"
            )
        if not file.is_file():
            missing.append(f"line {line}: {row['path']}")
        pictures[file], splits[file], lines[file] = picture, split, line
    if missing:
        more = f" and {len(missing) - _MAX_NAMED:,} more" if len(missing) > _MAX_NAMED else ""
        raise InvalidInput(
            f"{path} lists {len(missing):,} files that don't exist ({'; '.join(missing[:_MAX_NAMED])}{more}); "
            f"relative paths start at {path.parent.resolve()}",
            field="path",
        )
    _check_ids(path, pictures, lines)
    name = f"csv:{path}"
    if not any(splits.values()):
        return split_by_class(name, list(pictures.values()))
    kept, notes = without_duplicates(list(pictures.values()))
    train, validation, test = (
        to_picture_set(f"{name}/{split}", [item for item in kept if splits[item.path.resolve()] == split])
        for split in _SPLITS
    )
    for part in (train, test):
        if len(part.class_names) < _MIN_CLASSES:
            raise InvalidInput(
                f"{part.name} has {len(part.class_names)} classes, wanted at least {_MIN_CLASSES}; add some, or leave "
                f"the column `split` out to have the classes split",
                field="split",
            )
    return Dataset(
        name=name,
        train=train,
        validation=validation,
        test=test,
        allow_shared_classes=allow_shared_classes,
        notes=notes,
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with the number of its (last) line."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror}); check the path", field="dataset") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8", field="dataset") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line = 0
    try:
        header = list(reader.fieldnames or [])
        for column in ("path", "label"):
            if header.count(column) != 1:
                raise _wrong(path, 1, f"header is {','.join(header)!r}, wanted one column {column!r}", field=column)
        line = reader.line_num
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                raise _wrong(path, line, f"row has not the header's {len(header)} fields; check commas and quotes")
            for column in ("path", "label"):
                if not row[column].strip():
                    raise _wrong(path, line, f"{column} is {row[column]!r}, wanted text", field=column)
            yield line, row
    except csv.Error as error:
        raise _wrong(path, line + 1, f"{error}; check commas and quotes") from None


def _check_ids(path: Path, pictures: Mapping[Path, LabelledPicture], lines: Mapping[Path, int]) -> None:
    first: dict[str, int] = {}
    for file, picture in pictures.items():
        if picture.id in first:
            raise _wrong(
                path, lines[file], f"id {picture.id!r} is in line {first[picture.id]} already; wanted unique ids"
            )
        first[picture.id] = lines[file]


def _wrong(path: Path, line: int, what: str, field: str = "dataset") -> InvalidInput:
    return InvalidInput(f"{path}, line {line}: {what}", field=field)


def write_csv(picture_set: PictureSet, path: Path) -> None:
    """Write the pictures as a CSV with the columns path (absolute), label and id, as `smserve index build` reads it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "label", "id"))
    for file, label, name in zip(picture_set.paths, picture_set.labels, picture_set.ids, strict=True):
        writer.writerow((file.resolve(), picture_set.class_names[label], name))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text.getvalue(), encoding="utf-8")
    partial.replace(path)

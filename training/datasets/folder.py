"""Anybody's pictures: one folder a class."""

from pathlib import Path

from smserve.errors import InvalidInput
from training.datasets.class_split import LabelledPicture, split_by_class
from training.datasets.pictures import Dataset

__all__ = ["PICTURE_SUFFIXES", "load_folder"]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_MAX_NAMED = 5


def load_folder(root: Path) -> Dataset:
    """Return the pictures of `root/<class>/<picture>`, split by class.

    Hidden files and folders are passed by; files of another kind are left out and noted.

    Raises:
        InvalidInput: No such folder, no pictures, a class folder with folders inside, or too few classes.
    """
    if not root.is_dir():
        raise InvalidInput(f"data set folder {root} does not exist or is no folder; check the path", field="dataset")
    pictures: list[LabelledPicture] = []
    odd: list[str] = []
    for folder in _visible(root):
        if not folder.is_dir():
            odd.append(folder.name)
            continue
        for path in _visible(folder):
            name = path.relative_to(root).as_posix()
            if path.is_dir():
                raise InvalidInput(
                    f"data set folder {root} has a folder inside the class folder {folder.name!r}: {name}; "
                    f"wanted {root.name}/<class>/<picture>, so move the pictures up, or list them in a CSV",
                    field="dataset",
                )
            if path.suffix.lower() in PICTURE_SUFFIXES:
                pictures.append(LabelledPicture(path=path, label=folder.name, id=name))
            else:
                odd.append(name)
    if not pictures:
        raise InvalidInput(
            f"data set folder {root} has no pictures; wanted {root.name}/<class>/<picture> with pictures in JPEG, PNG "
            f"or WebP",
            field="dataset",
        )
    notes = []
    if odd:
        more = f" and {len(odd) - _MAX_NAMED:,} more" if len(odd) > _MAX_NAMED else ""
        notes.append(f"left out {len(odd):,} files that are no JPEG, PNG or WebP: {', '.join(odd[:_MAX_NAMED])}{more}")
    return split_by_class(f"folder:{root}", pictures, notes)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

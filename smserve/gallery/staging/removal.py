"""Away with the files of a model that a gallery keeps no longer."""

import shutil
from pathlib import Path
from typing import Final

from smserve.gallery.active import FILE_NAME as ACTIVE
from smserve.gallery.active import FOLDER, OWN
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.generation import FOLDER as GENERATIONS
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.tuning.choice_file import FILE_NAME as CHOICE

__all__ = ["remove_all_but", "remove_model"]

_OF_FIRST: Final = (CURRENT, GENERATIONS, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", COMMITTED, CHOICE)
"""What the first model has in the gallery's own folder."""


def remove_all_but(gallery: Path, keep: set[str]) -> None:
    """Remove all models but some: the one before the one before, and what a crash left."""
    for folder in (gallery / FOLDER).iterdir():
        if f"{FOLDER}/{folder.name}" not in keep:
            remove_model(gallery, f"{FOLDER}/{folder.name}")
    if OWN not in keep:
        remove_model(gallery, OWN)


def remove_model(gallery: Path, folder: str) -> None:
    """Remove a model's files; those of the first one lie beside what is the gallery's."""
    path = gallery / folder
    if path != gallery:
        shutil.rmtree(path, ignore_errors=True)
        return
    assert (gallery / ACTIVE).exists(), "another model is in use"  # noqa: S101
    for name in _OF_FIRST:
        if (gallery / name).is_dir():
            shutil.rmtree(gallery / name, ignore_errors=True)
        else:
            (gallery / name).unlink(missing_ok=True)

"""What is repaired is kept as it was, in a folder of the gallery, until somebody removes it."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from smserve.gallery.durable import sync_directory, sync_file

__all__ = ["FOLDER", "Aside"]

FOLDER: Final = "damaged"


class Aside:
    """The folder of one repair; made when something is put into it."""

    def __init__(self, gallery: Path) -> None:
        self._gallery: Final = gallery
        self.path: Path | None = None

    def keep(self, name: str) -> Path | None:
        """Keep a file or folder of the gallery as it is now; returns where, None where it is not there.

        Raises:
            OSError: There is no room.
        """
        source = self._gallery / name
        if not source.exists():
            return None
        target = self._folder() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_same)  # never changed, so both may share the bytes
        else:
            shutil.copy2(source, target)
            sync_file(target)
        sync_directory(target.parent)
        return target

    def _folder(self) -> Path:
        if self.path is None:
            began, number = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), 0
            while (path := self._gallery / FOLDER / (f"{began}-{number}" if number else began)).exists():
                number += 1
            path.mkdir(parents=True)
            self.path = path
        return self.path


def _same(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

"""The server's folder of galleries: each subfolder is one, and aliases.json holds their further names.

A gallery is made under a hidden name and renamed when it is whole; one that is dropped is renamed first and then
deleted. So a crash leaves a gallery, or none, and what it leaves besides is removed at the next start.
"""

import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GalleryExists, GalleryReadOnly, InvalidInput, SmserveError

__all__ = ["GalleryHome", "check_name"]

ALIASES: Final = "aliases.json"
_NEW: Final = ".new-"
_DROPPED: Final = ".dropped-"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str, field: str) -> None:
    """Check a name for a gallery or an alias.

    Raises:
        InvalidInput: It is none that can be given.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f'{field} is {name[:80]!r}; wanted 1 to 64 letters, digits, ".", "_" and "-", the first a letter or digit',
            field=field,
        )


class GalleryHome:
    """Safe to use by one thread at a time."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        """Open a folder; where it is to be written to, it is made if need be, and locked until `close`.

        Raises:
            GalleryLocked: Another server has it; its pid is named.
            GalleryDamaged: Its aliases can't be read.
            SmserveError: The folder can't be used.
        """
        from smserve.gallery.lock import take_lock

        self.path: Final = path
        self.is_writable: Final = writable
        self._lock: int | None = None
        try:
            if writable:
                path.mkdir(parents=True, exist_ok=True)
                self._lock = take_lock(path)
            self._found = sorted(entry for entry in path.iterdir() if entry.is_dir())
        except OSError as error:
            raise SmserveError(
                f"the folder of galleries {path} can't be used: {error.strerror}; choose another with --galleries"
            ) from None
        try:
            self._aliases = self._read_aliases()
        except BaseException:
            self.close()
            raise
        if writable:
            for entry in self._found:
                if entry.name.startswith((_NEW, _DROPPED)):
                    shutil.rmtree(entry, ignore_errors=True)

    def galleries(self) -> dict[str, Path]:
        """Return the galleries that lay there at the start, by name; what is no gallery is left out."""
        from smserve.gallery.active import FILE_NAME as ACTIVE
        from smserve.gallery.records import FILE_NAME as DATABASE

        return {
            entry.name: entry
            for entry in self._found
            if not entry.name.startswith(".") and ((entry / DATABASE).exists() or (entry / ACTIVE).exists())
        }

    def aliases(self) -> dict[str, str]:
        """Return the further names of galleries, each with the gallery that it leads to."""
        return dict(self._aliases)

    def create(self, name: str, *, model_fingerprint: str, dimension: int) -> Path:
        """Make an empty gallery; returns its folder.

        Raises:
            GalleryExists: There is a folder of that name.
            GalleryReadOnly: The folder is only read.
            DiskFull: There is no room.
        """
        from smserve.gallery import LiveGallery
        from smserve.gallery.durable import sync_directory, write_failed

        self._check_writable()
        folder, new = self.path / name, self.path / f"{_NEW}{name}"
        if os.path.lexists(folder):
            raise GalleryExists(f"{folder} is there already and not served; choose another name, or move it away")
        try:
            shutil.rmtree(new, ignore_errors=True)
            LiveGallery.create(new, model_fingerprint=model_fingerprint, dimension=dimension)
            new.rename(folder)
            sync_directory(self.path)
        except OSError as error:
            raise write_failed(str(folder), error) from None
        return folder

    def set_aside(self, folder: Path) -> Path:
        """Rename a gallery that nobody has open, so that it is none any more; returns where it lies.

        Raises:
            SmserveError: It can't be renamed, and stays.
        """
        from smserve.gallery.durable import sync_directory, write_failed

        number = 0
        while os.path.lexists(aside := self.path / f"{_DROPPED}{folder.name}-{number}"):
            number += 1
        try:
            folder.rename(aside)
            sync_directory(self.path)
        except OSError as error:
            raise write_failed(str(folder), error) from None
        return aside

    def set_aliases(self, aliases: Mapping[str, str]) -> None:
        """Keep the further names of galleries, in one step.

        Raises:
            GalleryReadOnly: The folder is only read.
            SmserveError: They can't be written; those before stay.
        """
        from smserve.gallery.durable import write_durably

        self._check_writable()
        document = {"aliases": dict(sorted(aliases.items())), "crc32": _checksum(aliases)}
        write_durably(self.path / ALIASES, json.dumps(document, indent=1).encode())
        self._aliases = dict(aliases)

    def close(self) -> None:
        """Let go of the lock; twice is harmless."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _check_writable(self) -> None:
        if not self.is_writable:
            raise GalleryReadOnly(
                f"the folder of galleries {self.path} is served for reading only; start the server "
                f"without --read-only, and with one worker"
            )

    def _read_aliases(self) -> dict[str, str]:
        path = self.path / ALIASES
        try:
            document = json.loads(path.read_bytes())
            aliases, checksum = document["aliases"], document["crc32"]
            sound = all(isinstance(name, str) and _NAME.fullmatch(alias) for alias, name in aliases.items())
            if not sound or checksum != _checksum(aliases):
                raise ValueError("its checksum does not fit")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise GalleryDamaged(
                f"{path} can't be read ({error}), so where aliases lead is not known; restore it from a copy, or "
                f"remove it and set the aliases again"
            ) from None
        return dict(aliases)


def _checksum(aliases: Mapping[str, str]) -> int:
    return zlib.crc32(json.dumps(dict(aliases), sort_keys=True).encode())

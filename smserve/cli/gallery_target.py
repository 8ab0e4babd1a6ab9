"""Which gallery a command works on: a folder that nobody serves, or one of a running server."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smserve.cli.connection import Connection
from smserve.cli.place import FolderPath, PlaceParameter

if TYPE_CHECKING:
    from smserve.client import Client
    from smserve.filters import Filter
    from smserve.gallery import LiveGallery
    from smserve.gallery.milvus import MilvusAddress, MilvusGallery
    from smserve.types import GenerationInfo

__all__ = ["Target", "check_target", "folder_option", "open_target", "target_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_IDS = 1000  # of one call


class Target(ABC):
    """A gallery to be changed."""

    @abstractmethod
    def delete(self, item_ids: Sequence[str], filter: Filter | None) -> int:
        """Delete items by id or by filter; returns how many went."""

    @abstractmethod
    def generations(self) -> Sequence[GenerationInfo]:
        """Return those that are kept, newest first."""

    @abstractmethod
    def compact(self) -> GenerationInfo:
        """Make a new generation; returns it."""

    @abstractmethod
    def roll_back(self, expected: int | None) -> GenerationInfo:
        """Go back to the generation before; returns it."""


class _Folder(Target):
    def __init__(self, gallery: LiveGallery) -> None:
        self._gallery = gallery

    def delete(self, item_ids: Sequence[str], filter: Filter | None) -> int:
        from smserve.gallery.filtering import FilterCondition

        return self._gallery.delete(item_ids if filter is None else FilterCondition(filter)).item_count

    def generations(self) -> Sequence[GenerationInfo]:
        return self._gallery.generations()

    def compact(self) -> GenerationInfo:
        return self._gallery.compact()

    def roll_back(self, expected: int | None) -> GenerationInfo:
        return self._gallery.roll_back(expected=expected)


class _Milvus(Target):
    def __init__(self, gallery: MilvusGallery) -> None:
        self._gallery = gallery

    def delete(self, item_ids: Sequence[str], filter: Filter | None) -> int:
        from smserve.gallery.filtering import FilterCondition

        return self._gallery.delete(item_ids if filter is None else FilterCondition(filter)).item_count

    def generations(self) -> Sequence[GenerationInfo]:
        raise _no_generations()

    def compact(self) -> GenerationInfo:
        raise _no_generations()

    def roll_back(self, expected: int | None) -> GenerationInfo:  # noqa: ARG002 - there is none to compare with
        raise _no_generations()


class _Served(Target):
    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name

    def delete(self, item_ids: Sequence[str], filter: Filter | None) -> int:
        if filter is not None:
            return self._client.delete(filter=filter, gallery=self._name).item_count
        return sum(
            self._client.delete(item_ids[start : start + _IDS], gallery=self._name).item_count
            for start in range(0, len(item_ids), _IDS)
        )

    def generations(self) -> Sequence[GenerationInfo]:
        return self._client.generations(gallery=self._name)

    def compact(self) -> GenerationInfo:
        return self._client.compact(gallery=self._name)

    def roll_back(self, expected: int | None) -> GenerationInfo:
        return self._client.roll_back(gallery=self._name, expected_generation=expected)


def folder_option(command: _Command) -> _Command:
    """Add `--gallery` for a command that works on a folder alone, served or not."""
    return click.option(
        "--gallery",
        type=FolderPath(exists=True, file_okay=False, path_type=Path),
        required=True,
        metavar="DIR",
        help="The gallery's folder.",
    )(command)


def target_options(command: _Command) -> _Command:
    """Add `--gallery`, `--server` and `--gallery-name`."""
    for option in (
        click.option(
            "--gallery-name", default="", metavar="NAME", help="With --server: its gallery.  [default: first]"
        ),
        click.option("--server", metavar="HOST:PORT", help="Work on a gallery of this running server."),
        click.option(
            "--gallery",
            type=PlaceParameter(),
            metavar="GALLERY",
            help="Work on this folder, or milvus://HOST:PORT/NAME; nobody may serve it for writing.",
        ),
    ):
        command = option(command)
    return command


def check_target(gallery: Path | MilvusAddress | None, server: str | None) -> None:
    """Refuse both, and neither.

    Raises:
        click.UsageError: That is so.
    """
    if (gallery is None) == (server is None):
        raise click.UsageError("give either --gallery GALLERY or --server HOST:PORT")


@contextlib.contextmanager
def open_target(
    gallery: Path | MilvusAddress | None, server: str | None, name: str, connection: Connection
) -> Iterator[Target]:
    """Hold the gallery inside the block.

    Raises:
        click.UsageError: As `check_target`.
        GalleryLocked: Another process writes to the folder; its pid is named.
    """
    check_target(gallery, server)
    if gallery is not None and not isinstance(gallery, Path):
        from smserve.gallery.milvus import MilvusGallery

        with MilvusGallery.open(gallery) as stored:
            yield _Milvus(stored)
    elif gallery is not None:
        from smserve.gallery import LiveGallery

        with LiveGallery.open(gallery, compaction=None) as live:
            yield _Folder(live)
    else:
        with connection.open(server or "") as client:
            yield _Served(client, name)


def _no_generations() -> click.UsageError:
    return click.UsageError("a gallery in Milvus keeps no generations; Milvus compacts by itself, see docs/milvus.md")

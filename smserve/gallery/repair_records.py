"""A new database from what can be read of a damaged one; it replaces that one where nothing is lost, or so accepted."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged
from smserve.gallery.aside import Aside
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.committed import Committed, read_committed, write_committed
from smserve.gallery.contents import Contents, read_contents
from smserve.gallery.database import Database, restore_schema
from smserve.gallery.durable import sync_directory, sync_file
from smserve.gallery.format import FORMAT_VERSION, declared_schema, meta_checksum
from smserve.gallery.generation import Generation, GenerationManifest, generation_numbers, read_manifest
from smserve.gallery.log import sealed_again
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.salvage import Belongings, Salvaged, salvage

__all__ = ["Mended", "mend_records"]

_LOG: Final = f"{DATABASE}-wal"
_WORK: Final = ".repair.partial"


class Mended(Enum):
    """How the database came out."""

    SOUND = "it needed nothing"
    REBUILT = "it was made anew"
    NOT = "it is as it was"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One way of reading what is there.

    Attributes:
        database: The new one.
        salvaged: What is in it.
        lost: What is not.
    """

    database: Path
    salvaged: Salvaged
    lost: Sequence[str]


def mend_records(path: Path, aside: Aside, done: list[str], lost: list[str], *, accept_loss: bool) -> Mended:
    """Replace the database by what can be read of it.

    The log may be what is damaged, and its content may long be in the database: several ways are tried. What should be
    there is known from COMMITTED or, where that is damaged, from the database.

    Args:
        path: The gallery's folder, locked.
        aside: Keeps what is replaced.
        done: Is told what was done.
        lost: Is told what is or would be lost.
        accept_loss: Replace it even then.
    """
    work = path / _WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        best: _Try | None = None
        for attempt in _tries(path, work):
            if best is None or (len(attempt.lost), -attempt.salvaged.contents.item_count) < (
                len(best.lost),
                -best.salvaged.contents.item_count,
            ):
                best = attempt
            if not best.lost:
                break
        if best is None:
            lost.append(f"{DATABASE} can't be read as a gallery's any more; restore it from a copy")
            return Mended.NOT
        lost += best.lost
        if best.lost and (not accept_loss or not best.salvaged.contents.item_count):
            return Mended.NOT
        _replace(path, best.database, best.salvaged, aside)
        count = best.salvaged.contents.item_count
        done.append(f"{DATABASE} made anew of {count:,} sound items, as write {best.salvaged.contents.sequence}")
        if best.salvaged.restored:
            names = ", ".join(best.salvaged.restored[:10])
            done.append(f"{len(best.salvaged.restored):,} vectors taken from a generation: {names}")
        return Mended.REBUILT
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _tries(path: Path, work: Path) -> Iterator[_Try]:
    """Yield what can be read with the log as it is, without it, and with what SQLite takes to be behind its end."""
    committed = None
    with suppress(GalleryDamaged):
        committed = read_committed(path)
    generations = list(_generations(path))
    database = (path / DATABASE).read_bytes()
    log = (path / _LOG).read_bytes() if (path / _LOG).exists() else b""
    page_size = int.from_bytes(database[16:18], "big")
    logs = {"as it is": log}
    if log:
        logs |= {
            "without the log": b"",
            "with all of the log": sealed_again(log, 65536 if page_size == 1 else page_size),
        }
    for number, content in enumerate(logs.values()):
        folder = work / str(number)
        folder.mkdir()
        (folder / DATABASE).write_bytes(database)
        if content:
            (folder / _LOG).write_bytes(content)
        with suppress(GalleryDamaged):
            restore_schema(folder / DATABASE, declared_schema())
            yield _try(folder, committed, generations)


def _try(folder: Path, committed: Committed | None, generations: Sequence[Generation]) -> _Try:
    source = Database(folder / DATABASE, writable=False)
    try:
        belongings = _belongings(source, [generation.manifest for generation in generations])
        noted, sequence = _noted(source)
        last_key = _last_key(source)
    finally:
        source.close()
    acknowledged = committed or Committed()
    wanted = acknowledged.contents if acknowledged.contents is not None else noted
    last = max(acknowledged.sequence, sequence, *(each.manifest.last_sequence for each in generations), 0)
    salvaged = salvage(
        folder / DATABASE,
        folder / "new",
        belongings=belongings,
        generations=generations,
        sequence=last + 1,
        last_key=max(
            acknowledged.last_key, last_key, *(int(each.keys[-1]) for each in generations if len(each.keys)), 0
        ),
    )
    lost = [line.replace(str(folder / DATABASE), DATABASE) for line in _lost(salvaged, acknowledged, wanted, sequence)]
    return _Try(database=folder / "new", salvaged=salvaged, lost=lost)


def _lost(salvaged: Salvaged, committed: Committed, wanted: Contents | None, sequence: int) -> list[str]:
    """Return what is not in the new database, which is nothing where it has the sums of what was written."""
    lost = [f"item {name} fails its checksum" for name in salvaged.damaged]
    found = salvaged.contents
    items = wanted is not None and (wanted.item_count, wanted.checksums) == (found.item_count, found.checksums)
    pictures = wanted is not None and (wanted.thumbnail_count, wanted.thumbnail_keys) == (
        found.thumbnail_count,
        found.thumbnail_keys,
    )
    if sequence < committed.sequence and not items:
        lost.append(f"acknowledged writes after {sequence}, up to {committed.sequence}, can't be read any more")
    if wanted is not None and not items:
        missing = wanted.item_count - found.item_count - len(salvaged.damaged)
        if missing or not salvaged.damaged:
            lost.append(f"{wanted.item_count:,} items were written, {found.item_count:,} can be read")
    if wanted is not None and not pictures:
        lost.append(f"{wanted.thumbnail_count:,} thumbnails were written, {found.thumbnail_count:,} can be read")
    if not (items and pictures):
        lost += salvaged.unreadable
    return lost + salvaged.forgotten


def _noted(source: Database) -> tuple[Contents | None, int]:
    """Return what the database says that it holds, and the number of its last write, as far as that can be read."""
    contents, sequence = None, 0
    with suppress(GalleryDamaged):
        contents = read_contents(source.rows, source.path)
    with suppress(GalleryDamaged):
        for (value,) in source.rows("SELECT value FROM meta WHERE name = 'last_sequence'"):
            sequence = int(value) if str(value).isdecimal() else 0
    return contents, max(sequence, contents.sequence if contents else 0)


def _last_key(source: Database) -> int:
    with suppress(GalleryDamaged):
        for (value,) in source.rows("SELECT seq FROM sqlite_sequence WHERE name = 'items'"):
            return value if isinstance(value, int) else 0
    return 0


def _belongings(source: Database, manifests: Sequence[GenerationManifest]) -> Belongings:
    """Return what gallery this is: as the database says, or a generation, where the database's own checksum agrees.

    Raises:
        GalleryDamaged: Neither does.
    """
    meta = {}
    with suppress(GalleryDamaged):
        meta = {str(name): str(value) for name, value in source.rows("SELECT name, value FROM meta")}
    said = [(meta.get("model_fingerprint", ""), meta.get("dimension", ""), meta.get("metric", ""))]
    said += [(each.model_fingerprint, str(each.dimension), each.metric) for each in manifests]
    for fingerprint, dimension, metric in said:
        for version in range(1, FORMAT_VERSION + 1):
            own = {
                "format_version": str(version),
                "model_fingerprint": fingerprint,
                "dimension": dimension,
                "metric": metric,
            }
            if meta_checksum(own) == meta.get("checksum") or said.count((fingerprint, dimension, metric)) > 1:
                return Belongings(model_fingerprint=fingerprint, dimension=int(dimension), metric=metric)
    raise GalleryDamaged(f"what {source.path} says about itself can't be read")


def _generations(path: Path) -> Iterator[Generation]:
    for number in generation_numbers(path):
        with suppress(GalleryDamaged):
            read_manifest(path, number)
            yield Generation.open(path, number)


def _replace(path: Path, new: Path, salvaged: Salvaged, aside: Aside) -> None:
    """Put the new database in place of the old one; a crash on the way leaves it refused, and all of it aside."""
    for name in (DATABASE, _LOG, COMMITTED):
        aside.keep(name)
    sync_file(new)
    for name in (_LOG, f"{DATABASE}-shm"):  # they are the old one's: SQLite would play them into the new one
        (path / name).unlink(missing_ok=True)
    sync_directory(path)
    new.replace(path / DATABASE)
    sync_directory(path)
    contents = salvaged.contents
    database = Database(path / DATABASE, writable=False)
    try:
        ((last_key,),) = database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'items'")
    finally:
        database.close()
    write_committed(path, Committed(sequence=contents.sequence, last_key=int(last_key), contents=contents))

"""Write a snapshot while others search the gallery and write to it.

First the generation's files are opened, then the records are copied in one state: so the records hold all that the
generation does, and a generation that is dropped meanwhile stays readable. The copy is verified, row by row, before the
file gets its name: a damaged gallery makes no snapshot.
"""

import contextlib
import hashlib
import io
import logging
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from smserve.errors import AlreadyExists, GalleryDamaged
from smserve.gallery.active import active_folder
from smserve.gallery.committed import FILE_NAME as COMMITTED
from smserve.gallery.committed import Committed, read_committed, write_committed
from smserve.gallery.contents import read_contents
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.current import Current, read_current, write_current
from smserve.gallery.durable import sync_directory, sync_file, write_failed
from smserve.gallery.generation import FOLDER, INDEX, KEYS, MANIFEST, VECTORS, generation_folder, read_manifest
from smserve.gallery.opening import open_records
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.records import Records
from smserve.gallery.snapshot.document import DOCUMENT, Part, SnapshotInfo, document_bytes

__all__ = ["write_snapshot"]

_log: Final = logging.getLogger(__name__)
_TRIES: Final = 10  # a writer may drop the generation that is about to be opened
_FURTHER: Final = ("index-choice.json", "build-report.json")

Parts = dict[str, io.BufferedReader]


def write_snapshot(gallery: Path, file: Path) -> SnapshotInfo:
    """Write everything that a gallery is searched with to one file, whole or not at all.

    Beside the file, room for a second copy of the records is needed while it is written.

    Args:
        gallery: Its folder; of a gallery with several models, the one in use is taken.
        file: To be made; its name must be free.

    Raises:
        AlreadyExists: The file is there.
        GalleryNotFound: There is no gallery.
        GalleryDamaged: A row, a thumbnail or a count is damaged, or acknowledged writes are lost.
        DiskFull: There is no room.
        SmserveError: The file can't be written.
    """
    if file.exists():
        raise AlreadyExists(f"{file} is there already; remove it, or choose another name")
    folder = active_folder(gallery)
    partial = file.with_name(f".{file.name}.partial")
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as copy,
            contextlib.ExitStack() as opened,
        ):
            parts, current = _generation(folder, opened)
            info = _records(folder, Path(copy), parts, current, opened)
            _write(partial, info, parts)
        partial.replace(file)
        sync_directory(file.parent)
    except OSError as error:
        raise write_failed(str(file), error) from None
    finally:
        partial.unlink(missing_ok=True)
    return info


def _generation(folder: Path, opened: contextlib.ExitStack) -> tuple[Parts, Current | None]:
    """Open the files of the generation in use, verified; none where it is damaged."""
    for _ in range(_TRIES):
        current = None
        try:
            current = read_current(folder)
            if current is None:
                return {}, None
            where = generation_folder(folder, current.generation)
            manifest = read_manifest(folder, current.generation, current.manifest_sha256)
            parts: Parts = {}
            for name in (MANIFEST, VECTORS, KEYS, INDEX):
                part = opened.enter_context((where / name).open("rb"))
                wanted = current.manifest_sha256 if name == MANIFEST else manifest.sha256.get(name)
                if hashlib.file_digest(part, "sha256").hexdigest() != wanted:
                    raise GalleryDamaged(f"{where / name} fails its checksum")
                parts[f"{FOLDER}/{where.name}/{name}"] = part
            return parts, current
        except (GalleryDamaged, FileNotFoundError) as error:
            if current is not None and _moved_on(folder, current):
                continue
            _log.warning("the snapshot is made without a generation, restoring it will build one: %s", error)
            return {}, None
    _log.warning("generations of %s follow each other too fast; restoring the snapshot will build one", folder)
    return {}, None


def _moved_on(folder: Path, current: Current) -> bool:
    with contextlib.suppress(GalleryDamaged):
        return read_current(folder) != current
    return False


def _records(
    folder: Path, copy: Path, parts: Parts, current: Current | None, opened: contextlib.ExitStack
) -> SnapshotInfo:
    """Copy the records and verify the copy; returns what there is, all parts included."""
    acknowledged = read_committed(folder)
    source = open_records(folder, writable=False, model_fingerprint=None)
    try:
        source.database.copy_to(copy / DATABASE)
    finally:
        source.close()
    records = Records(copy, writable=False)
    try:
        _verify(records, folder)
        meta, sequence = records.meta(), records.last_sequence()
        if sequence < acknowledged.sequence:
            raise GalleryDamaged(
                f"gallery {folder} has lost acknowledged writes: its records end at {sequence}, "
                f"{acknowledged.sequence} was acknowledged; no snapshot was made; see what `smserve index verify` says"
            )
        contents = read_contents(records.database.rows, records.path)
        committed = Committed(
            sequence=sequence, last_key=max(records.last_key(), acknowledged.last_key), contents=contents
        )
        write_committed(copy, committed)
        if current is not None:
            write_current(copy, Current(generation=current.generation, manifest_sha256=current.manifest_sha256))
        for name in _FURTHER:
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(folder / name, copy / name)
        for name in (DATABASE, COMMITTED, CURRENT, *_FURTHER):
            if (copy / name).exists():
                parts[name] = opened.enter_context((copy / name).open("rb"))
        return SnapshotInfo(
            model_fingerprint=meta["model_fingerprint"],
            dimension=int(meta["dimension"]),
            item_count=records.count(),
            last_sequence=sequence,
            generation=current.generation if current else 0,
            parts={name: _part(file) for name, file in parts.items()},
        )
    finally:
        records.close()


def _verify(records: Records, folder: Path) -> None:
    """Check every row and thumbnail of the copy."""
    records.verification.ensure(records.database.rows)
    count = 0
    for row in records.rows():
        records.thumbnail(row.key)
        count += 1
    if count != records.count():
        raise GalleryDamaged(
            f"the records of {folder} count {records.count():,} items and list {count:,}; no snapshot was made; see "
            f"what `smserve index verify` says"
        )


def _part(file: io.BufferedReader) -> Part:
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(size=file.tell(), sha256=sha256)


def _write(partial: Path, info: SnapshotInfo, parts: Mapping[str, io.BufferedReader]) -> None:
    with tarfile.open(partial, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, file in _members(info, parts):
            member = tarfile.TarInfo(name)
            member.size = file.seek(0, io.SEEK_END)
            file.seek(0)
            tar.addfile(member, file)
    sync_file(partial)


def _members(info: SnapshotInfo, parts: Mapping[str, io.BufferedReader]) -> Iterator[tuple[str, IO[bytes]]]:
    yield DOCUMENT, io.BytesIO(document_bytes(info))
    yield from parts.items()

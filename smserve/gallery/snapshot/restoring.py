"""Make a gallery from a snapshot: every part verified before the gallery gets its name."""

import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import Final

from smserve.errors import GalleryDamaged, GalleryExists, InvalidInput, SmserveError
from smserve.gallery.durable import sync_directory, sync_file, write_failed
from smserve.gallery.local import LocalGallery
from smserve.gallery.snapshot.document import DOCUMENT, LONGEST_DOCUMENT, Part, SnapshotInfo, parse_document
from smserve.gallery.tuning import chosen_index
from smserve.gallery.writer import LocalGalleryWriter

__all__ = ["restore_snapshot"]

_BLOCK: Final = 1 << 20


def restore_snapshot(file: Path, gallery: Path) -> SnapshotInfo:
    """Make a gallery from a snapshot, whole or not at all.

    Args:
        file: The snapshot.
        gallery: The folder to make; one that is there must be empty.

    Raises:
        GalleryExists: The folder holds something.
        InvalidInput: The file can't be read.
        GalleryDamaged: The snapshot is damaged or cut short; the part is named.
        DiskFull: There is no room.
    """
    if gallery.is_dir() and any(gallery.iterdir()):
        raise GalleryExists(f"{gallery} is not empty; give --gallery a new folder")
    partial = gallery.with_name(f".{gallery.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        info = _unpack(file, partial)
        if not info.generation:
            with LocalGalleryWriter(
                partial, model_fingerprint=info.model_fingerprint, dimension=info.dimension
            ) as writer:
                writer.publish(build_index=chosen_index(partial))
        LocalGallery.open(partial, model_fingerprint=info.model_fingerprint).close()
        for folder, _, names in os.walk(partial):
            for name in names:
                sync_file(Path(folder, name))
            sync_directory(Path(folder))
        partial.replace(gallery)
        sync_directory(gallery.parent)
    except OSError as error:
        raise write_failed(str(gallery), error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return info


def _unpack(file: Path, folder: Path) -> SnapshotInfo:
    """Write the parts into a folder, verified; returns what the snapshot says about itself."""
    try:
        source = file.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror}; check the path", field="file") from None
    doing = DOCUMENT
    done: set[str] = set()
    with source:
        try:
            with tarfile.open(fileobj=source, mode="r|") as tar:
                info = _document(file, tar)
                while (member := tar.next()) is not None:
                    doing = member.name
                    part = info.parts.get(member.name)
                    if part is None or member.name in done:
                        raise _damaged(file, repr(member.name)[:100], "does not belong to it")
                    _write_part(file, tar, member, part, folder / member.name)
                    done.add(member.name)
                    doing = f"after {member.name}"
        except tarfile.TarError as error:
            raise _damaged(file, doing, f"can't be read ({error})") from None
    missing = sorted(info.parts.keys() - done)
    if missing:
        raise _damaged(file, missing[0], "is missing: the file was cut short")
    return info


def _document(file: Path, tar: tarfile.TarFile) -> SnapshotInfo:
    first = tar.next()
    if first is None or first.name != DOCUMENT or not first.isreg() or first.size > LONGEST_DOCUMENT:
        raise GalleryDamaged(f"{file} is no snapshot of a gallery, or its first part is damaged; check the path")
    content = tar.extractfile(first)
    return parse_document(str(file), content.read() if content else b"")


def _write_part(file: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, part: Part, target: Path) -> None:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or member.size != part.size:
        raise _damaged(file, member.name, f"has {member.size:,} bytes, wanted {part.size:,}")
    target.parent.mkdir(parents=True, exist_ok=True)
    seen = hashlib.sha256()
    with target.open("wb") as written:
        while block := content.read(_BLOCK):
            seen.update(block)
            written.write(block)
    if seen.hexdigest() != part.sha256:
        raise _damaged(file, member.name, "fails its checksum")


def _damaged(file: Path, part: str, what: str) -> SmserveError:
    return GalleryDamaged(
        f"snapshot {file} is damaged: part {part} {what}; nothing was restored; take another copy of the snapshot"
    )

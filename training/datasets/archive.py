"""Archives that are checked before they are unpacked, and unpacked whole or not at all."""

import gzip
import hashlib
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from smserve.errors import DataLoss, SmserveError
from training.datasets.progress import Progress, silent

__all__ = ["checksum", "unpack", "unpack_together"]

_CHUNK_BYTES = 1 << 20
_DAMAGE = (  # what the readers of tar, zip and their compressions raise for bytes that are no archive, or a cut one
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    RuntimeError,  # with NotImplementedError: an encrypted zip, or one of another compression
)


def checksum(path: Path, algorithm: str, progress: Progress = silent) -> str:
    """Return the file's checksum in lower-case hex; `algorithm` is a name that hashlib knows."""
    digest = hashlib.new(algorithm, usedforsecurity=False)  # guards against damage; md5 is all that most sets publish
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {path.name}", done, size)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress = silent) -> None:
    """Unpack the wanted files of one archive; see `unpack_together`."""
    unpack_together([archive], folder, wanted, progress)


def unpack_together(
    files: Sequence[Path], folder: Path, wanted: Callable[[str], bool], progress: Progress = silent
) -> None:
    """Unpack archives side by side into `folder`, which appears only when all of it is there.

    Args:
        files: Gzipped tar files (.tgz) and .zip files; files of other kinds are copied beside what these hold.
        folder: Made by this call; its parent's other contents stay as they are.
        wanted: Says of a member's name in an archive whether to unpack it.
        progress: Told how much of each archive is read.

    Raises:
        DataLoss: An archive is damaged, or a member would leave the folder.
        SmserveError: The disk is full, or the folder can't be written.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    file = files[0]
    try:
        partial.mkdir(parents=True)
        for file in files:
            _EXTRACT.get(file.suffix, _copy)(file, partial, wanted, progress)
        partial.replace(folder)
    except _DAMAGE as error:
        raise DataLoss(f"archive {file} is damaged ({error}); remove it and run again") from None
    except OSError as error:
        raise SmserveError(
            f"archive {file} can't be unpacked into {folder}: {error.strerror or error}; "
            f"see that the folder can be written and has room"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract_tar(archive: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress) -> None:
    size = archive.stat().st_size
    with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:gz") as members:
        for member in members:
            if member.isfile() and wanted(member.name):
                members.extract(member, folder, filter="data")  # refuses absolute paths, .. and links out of the folder
                progress(f"unpacking {archive.name}", file.tell(), size)
        while members.fileobj is not None and members.fileobj.read(_CHUNK_BYTES):
            pass  # to the end of the gzip stream, where its checksum is compared
    progress(f"unpacking {archive.name}", size, size)


def _extract_zip(archive: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress) -> None:
    with zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if not member.is_dir() and wanted(member.filename)]
        size, done = sum(member.file_size for member in members), 0
        for member in members:
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts:  # zipfile would quietly put it elsewhere
                raise ValueError(f"{member.filename!r} would be outside the destination")
            file.extract(member, folder)
            done += member.file_size
            progress(f"unpacking {archive.name}", done, size)


def _copy(file: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress) -> None:  # noqa: ARG001 - as the others
    shutil.copy2(file, folder / file.name)


_EXTRACT = {".tgz": _extract_tar, ".gz": _extract_tar, ".zip": _extract_zip}

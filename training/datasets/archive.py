"""Archives that are checked before they are unpacked, and unpacked whole or not at all."""

import hashlib
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from smserve.errors import DataLoss, SmserveError
from training.datasets.progress import Progress, silent

__all__ = ["checksum", "unpack"]

_CHUNK_BYTES = 1 << 20


def checksum(path: Path, algorithm: str, progress: Progress = silent) -> str:
    """Return the file's checksum in lower-case hex; `algorithm` is a name that hashlib knows."""
    digest = hashlib.new(algorithm, usedforsecurity=False)  # guards against damage; md5 is all that CUB publishes
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {path.name}", done, size)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress = silent) -> None:
    """Unpack the wanted files of a .tgz into `folder`, which appears only when all of them are there.

    Args:
        archive: A gzipped tar file.
        folder: Made by this call; its parent's other contents stay as they are.
        wanted: Says of a member's name in the archive whether to unpack it.
        progress: Told how many bytes of the archive are read.

    Raises:
        DataLoss: The archive is damaged, or a member would leave the folder.
        SmserveError: The disk is full, or the folder can't be written.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    try:
        partial.mkdir(parents=True)
        _extract(archive, partial, wanted, progress)
        partial.replace(folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise DataLoss(f"archive {archive} is damaged ({error}); remove it and run again") from None
    except OSError as error:
        raise SmserveError(
            f"archive {archive} can't be unpacked into {folder}: {error.strerror or error}; "
            f"see that the folder can be written and has room"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract(archive: Path, folder: Path, wanted: Callable[[str], bool], progress: Progress) -> None:
    size = archive.stat().st_size
    with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:gz") as members:
        for member in members:
            if member.isfile() and wanted(member.name):
                members.extract(member, folder, filter="data")  # refuses absolute paths, .. and links out of the folder
                progress(f"unpacking {archive.name}", file.tell(), size)
    progress(f"unpacking {archive.name}", size, size)

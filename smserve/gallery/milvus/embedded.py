"""Milvus inside this process, on one file: for tests and small galleries.

The engine has one gRPC server for each file, on a port of the loopback interface; several galleries of a process share
it, and the last one that closes ends it. Another process that opens the file is refused by the engine's own lock.
"""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from smserve.errors import GalleryLocked, GalleryNotFound, SmserveError

__all__ = ["embedded_engine", "release_engine"]

_LOOPBACK: Final = "127.0.0.1"  # the engine's own default is every interface
_GRACE_S: Final = 5


@dataclass(slots=True, kw_only=True)
class _Engine:
    server: Any
    database: Any
    port: int
    users: int = 0


_engines: Final[dict[Path, _Engine]] = {}
_changing: Final = threading.Lock()


def embedded_engine(file: Path) -> str:
    """Return the URI of the engine on a file, started where this process has none; each caller releases it once.

    Raises:
        GalleryNotFound: There is no folder for it.
        GalleryLocked: Another process has it open.
        SmserveError: The extra is not installed, or the file can't be read.
    """
    try:
        from milvus_lite.adapter.grpc.server import start_server_in_thread
        from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError
    except ImportError:
        raise SmserveError(
            "milvus+lite:// needs the package milvus-lite, of 3.2 or later; pip install 'smserve[milvus-lite]'"
        ) from None
    path = file.resolve()
    if not path.parent.is_dir():
        raise GalleryNotFound(f"there is no folder {path.parent} for {path.name}; make it")
    with _changing:
        if path not in _engines:
            logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)  # what fails is told once, as our error
            try:
                server, database, port = start_server_in_thread(str(path), host=_LOOPBACK, port=0)
            except DataDirLockedError:
                raise GalleryLocked(
                    f"{file} is open in another process; an embedded database has one at a time: end it, or run Milvus "
                    f"as a server"
                ) from None
            except (MilvusLiteError, OSError, ValueError) as error:
                raise SmserveError(
                    f"{file} can't be opened by milvus-lite: {error}; files of its 2.x are not read by 3.x"
                ) from None
            _engines[path] = _Engine(server=server, database=database, port=port)
        engine = _engines[path]
        engine.users += 1
        return f"http://{_LOOPBACK}:{engine.port}"


def release_engine(file: Path) -> None:
    """Let go of the engine on a file; the last one ends it."""
    path = file.resolve()
    with _changing:
        engine = _engines[path]
        engine.users -= 1
        if not engine.users:
            del _engines[path]
            engine.server.stop(_GRACE_S).wait(_GRACE_S)
            engine.database.close()

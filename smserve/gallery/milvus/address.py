"""Where a gallery in Milvus lies: the text of `--gallery`, taken apart. It never holds a secret."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smserve.errors import InvalidInput

__all__ = ["MilvusAddress", "is_milvus_address"]

_DEFAULT_PORT: Final = 19530
_SERVER: Final = re.compile(
    r"milvus(?P<tls>\+tls)?://(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:(?P<port>\d{1,5}))?/((?P<database>\w+)/)?(?P<name>\w+)"
)
_FILE: Final = re.compile(r"milvus\+lite://(?P<file>[^#]+)#(?P<name>\w+)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")  # Milvus allows 255; our second collection's is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusAddress:
    """A collection of a Milvus server, or of a database that is embedded into this process.

    Attributes:
        name: Of the collection.
        server: host:port; empty where it is embedded.
        tls: The connection is encrypted.
        database: Of the server; empty for its default one.
        file: The embedded database.
    """

    name: str
    server: str = ""
    tls: bool = False
    database: str = ""
    file: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "MilvusAddress":
        """Read an address.

        Raises:
            InvalidInput: It is none.
        """
        if (found := _FILE.fullmatch(text)) and _NAME.fullmatch(found["name"]):
            return cls(name=found["name"], file=Path(found["file"]))
        found = _SERVER.fullmatch(text)
        if found is None or not _NAME.fullmatch(found["name"]) or not 0 < int(found["port"] or 1) < 2**16:
            raise InvalidInput(
                f"{_without_user(text)!r} is no gallery in Milvus; wanted milvus://HOST[:PORT]/[DATABASE/]NAME, "
                f"milvus+tls:// for TLS, or milvus+lite://FILE.db#NAME, the name of letters, digits and _; a token "
                f"goes into SMSERVE_MILVUS_TOKEN or SMSERVE_MILVUS_TOKEN_FILE",
                field="gallery",
            )
        return cls(
            name=found["name"],
            server=f"{found['host']}:{found['port'] or _DEFAULT_PORT}",
            tls=found["tls"] is not None,
            database=found["database"] or "",
        )

    @property
    def is_loopback(self) -> bool:
        """What is sent there leaves this machine never."""
        host = self.server.rpartition(":")[0]
        return self.file is not None or host in {"localhost", "[::1]"} or host.startswith("127.")

    def __str__(self) -> str:
        if self.file is not None:
            return f"milvus+lite://{self.file}#{self.name}"
        database = f"{self.database}/" if self.database else ""
        return f"milvus{'+tls' if self.tls else ''}://{self.server}/{database}{self.name}"


def is_milvus_address(text: str) -> bool:
    """Whether a text means a gallery in Milvus, rather than a folder."""
    return re.match(r"milvus(\+\w+)?://", text) is not None


def _without_user(text: str) -> str:
    """Leave out user:password@, which somebody may have written: messages end up in logs."""
    return re.sub(r"//[^/@]*@", "//…@", text)

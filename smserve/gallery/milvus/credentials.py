"""What this process shows a Milvus server, and how it knows the server: from the environment, never from arguments."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smserve.errors import InvalidInput
from smserve.gallery.milvus.address import MilvusAddress

__all__ = ["Credentials"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A token (`user:password`, or an API key) and the authority that the server's certificate is checked against.

    Attributes:
        token: Empty for none; no message, log or `repr` shows it.
        authority: A file of certificates; None for those that the system trusts.
    """

    token: str = field(default="", repr=False)
    authority: Path | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Credentials":
        """Read SMSERVE_MILVUS_TOKEN or SMSERVE_MILVUS_TOKEN_FILE, and SMSERVE_MILVUS_CA.

        Raises:
            InvalidInput: Both tokens are given, or a file can't be read.
        """
        token, file = environment.get("SMSERVE_MILVUS_TOKEN", ""), environment.get("SMSERVE_MILVUS_TOKEN_FILE", "")
        if token and file:
            raise InvalidInput("SMSERVE_MILVUS_TOKEN and SMSERVE_MILVUS_TOKEN_FILE are both set; unset one of them")
        if file:
            try:
                token = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidInput(
                    f"SMSERVE_MILVUS_TOKEN_FILE {file} can't be read ({type(error).__name__}); name a file that holds "
                    f"the token alone"
                ) from None
        authority = environment.get("SMSERVE_MILVUS_CA", "")
        if authority and not Path(authority).is_file():
            raise InvalidInput(f"SMSERVE_MILVUS_CA {authority} is no file; name a PEM file of certificates")
        return cls(token=token, authority=Path(authority) if authority else None)

    def check(self, address: MilvusAddress) -> None:
        """Refuse to send the token where everybody on the way could read it.

        Raises:
            InvalidInput: That would happen.
        """
        if self.token and not (address.tls or address.is_loopback):
            raise InvalidInput(
                f"without TLS everybody on the way to {address.server} can read the token; connect with "
                f"milvus+tls://, or unset SMSERVE_MILVUS_TOKEN"
            )

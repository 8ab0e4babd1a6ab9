"""How a client proves that the server is the right one, and itself to the server."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

from smserve.certificates import Pem, certified_key, read_certificates, read_pem
from smserve.errors import InvalidInput

__all__ = ["Tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Encrypt the connection; the files are read once, when a client is made.

    Attributes:
        ca: Authorities, one of which must have signed the server's certificate: a PEM file's path, or its bytes. None
            means the public ones, as gRPC knows them.
        certificate: The client's own certificate, where the server wants one; path or bytes.
        key: Its private key; path or bytes.
        server_name: The name that the server's certificate must have, where it is not the address's.
    """

    ca: Pem | None = None
    certificate: Pem | None = None
    key: Pem | None = field(default=None, repr=False)
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Refuse a half.

        Raises:
            InvalidInput: There is a certificate without a key, or a key without a certificate.
        """
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.key is None else ("key", "certificate")
            raise InvalidInput(f"tls has a client {given} without its {missing}; give both", field=f"tls.{missing}")

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
            InvalidInput: One can't be read or is expired, or certificate and key don't belong together.
        """
        authorities = None
        if self.ca is not None:
            file = read_pem(self.ca, "file of authorities")
            read_certificates(file)
            authorities = file.data
        if self.certificate is None or self.key is None:
            return grpc.ssl_channel_credentials(authorities)
        certificate = read_pem(self.certificate, "TLS client certificate")
        pair = certified_key(certificate, read_pem(self.key, "TLS client key"))
        return grpc.ssl_channel_credentials(authorities, pair.key, pair.certificate)

    def options(self) -> tuple[tuple[str, str], ...]:
        """Return gRPC's channel options."""
        return () if self.server_name is None else (("grpc.ssl_target_name_override", self.server_name),)

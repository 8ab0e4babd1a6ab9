"""TLS: the certificate and key in use, read again for each connection, so that a renewal needs no restart."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import grpc

from smserve.certificates import CertifiedKey, NamedPem, certified_key, read_certificates, read_pem
from smserve.errors import InvalidInput
from smserve.server.security.settings import Security

__all__ = ["Certificates"]

_SOON: Final = timedelta(days=14)
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """What was in them, at one time."""

    certificate: NamedPem
    key: NamedPem
    client_ca: NamedPem | None


class Certificates:
    """What a server shows to clients, and whose certificates it takes; safe to use from many threads.

    Files that can't be used, as a pair half of which is replaced, leave what was in use before, and are told of once.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """Read the files.

        Raises:
            InvalidInput: One can't be read, is expired, or certificate and key don't belong together.
        """
        self._certificate: Final = certificate
        self._key: Final = key
        self._client_ca: Final = client_ca
        self._told = ""  # the problem that was told of
        self._reading: Final = threading.Lock()
        self._files = self._read()
        self._pair = _checked(self._files)
        self._tell_expiry("TLS with certificate")

    @classmethod
    def of(cls, security: Security) -> Certificates | None:
        """Return a server's; None where it has no TLS."""
        if security.tls_certificate is None or security.tls_key is None:
            return None
        return cls(security.tls_certificate, security.tls_key, security.tls_client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a port is opened with."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            self._renewed,  # type: ignore[arg-type]  # its documentation takes None, its types do not
            require_client_authentication=self._client_ca is not None,
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what has replaced the files in use, None where nothing has; gRPC asks before each handshake."""
        with self._reading:
            try:
                files = self._read()
                if files == self._files and datetime.now(UTC) < self._pair.expires:
                    self._told = ""
                    return None
                self._pair = _checked(files)
            except InvalidInput as error:
                self._tell_once(f"{error.message}; the certificate from before stays in use")
                return None
            self._files, self._told = files, ""
            self._tell_expiry("TLS goes on with new files: certificate")
            return self._configuration()

    def _read(self) -> _Files:
        return _Files(
            certificate=read_pem(self._certificate, "TLS certificate"),
            key=read_pem(self._key, "TLS key"),
            client_ca=None if self._client_ca is None else read_pem(self._client_ca, "file of client authorities"),
        )

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(self._pair.key, self._pair.certificate)],
            root_certificates=None if self._files.client_ca is None else self._files.client_ca.data,
        )

    def _tell_once(self, problem: str) -> None:
        if problem != self._told:
            _log.error("%s", problem)
        self._told = problem

    def _tell_expiry(self, what: str) -> None:
        is_soon = self._pair.expires - datetime.now(UTC) < _SOON
        _log.log(
            logging.WARNING if is_soon else logging.INFO,
            "%s %s, which expires on %s UTC",
            what,
            self._certificate,
            f"{self._pair.expires:%Y-%m-%d %H:%M}",
        )


def _checked(files: _Files) -> CertifiedKey:
    if files.client_ca is not None:
        read_certificates(files.client_ca)
    return certified_key(files.certificate, files.key)

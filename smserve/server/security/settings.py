"""The settings of a server's security, checked once."""

from dataclasses import dataclass
from pathlib import Path

from smserve.errors import InvalidInput

__all__ = ["Security"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Who may connect and call; nobody is refused by default, which is good for a loopback address alone.

    Attributes:
        tls_certificate: PEM file: the server's certificate, then those that signed it.
        tls_key: PEM file: its private key.
        tls_client_ca: PEM file: authorities; clients must bring a certificate of one of them.
        keys: File of API keys, made by `smserve keys create`; calls must bring one of them.
        insecure: Let other machines connect without all of that.
        health_port: A port that answers health alone, in plaintext, for probes; 0 takes a free one, None is none.
    """

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    keys: Path | None = None
    insecure: bool = False
    health_port: int | None = None

    def __post_init__(self) -> None:
        """Refuse what does not belong together.

        Raises:
            InvalidInput: That is so, or the port is none.
        """
        if (self.tls_certificate is None) != (self.tls_key is None):
            given, missing = ("tls_key", "tls_certificate") if self.tls_key else ("tls_certificate", "tls_key")
            raise InvalidInput(f"{given} is given without {missing}; TLS needs both", field=missing)
        if self.tls_client_ca is not None and not self.has_tls:
            raise InvalidInput(
                "tls_client_ca is given without tls_certificate and tls_key; clients show certificates over TLS alone",
                field="tls_certificate",
            )
        if self.health_port is not None and not 0 <= self.health_port <= 65535:
            raise InvalidInput(f"health_port is {self.health_port}; wanted 0 to 65535", field="health_port")

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls_certificate is not None

    @property
    def knows_callers(self) -> bool:
        """Whether callers must show who they are."""
        return self.keys is not None or self.tls_client_ca is not None

    def check_reach(self, host: str) -> None:
        """Refuse to let other machines reach what anybody could read or change.

        Raises:
            InvalidInput: That is so.
        """
        if self.insecure or (self.has_tls and self.knows_callers):
            return
        missing = [
            text
            for text, is_there in (
                ("TLS (--tls-certificate and --tls-key)", self.has_tls),
                ("a way to know callers (--keys, or --tls-client-ca)", self.knows_callers),
            )
            if not is_there
        ]
        raise InvalidInput(
            f"other machines reach {host}, so the server wants {' and '.join(missing)}; or serve on 127.0.0.1, or give "
            f"--insecure where something in front of the server protects it",
            field="host",
        )

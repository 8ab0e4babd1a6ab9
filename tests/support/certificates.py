"""Certificate authorities, and files with what they sign."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedFiles:
    """A certificate with its chain, and its key, as PEM files."""

    certificate: Path
    key: Path

    def replace(self, other: "CertifiedFiles") -> None:
        """Put another pair in their place, each file in one step, as tools that renew certificates do."""
        for mine, theirs in ((self.key, other.key), (self.certificate, other.certificate)):
            fresh = mine.with_suffix(".fresh")
            fresh.write_bytes(theirs.read_bytes())
            fresh.replace(mine)


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self._ca.cert_pem.bytes()

    def write(self, path: Path) -> Path:
        """Write its own certificate."""
        path.write_bytes(self.pem)
        return path

    def issue(self, stem: Path, *names: str, days: float = 30, since_days: float = 1) -> CertifiedFiles:
        """Write `stem`.pem and `stem`.key, good for `names` from `since_days` ago until `days` from now."""
        now = datetime.now(UTC)
        made = self._ca.issue_cert(
            *(names or ("localhost", "127.0.0.1")),
            not_before=now - timedelta(days=since_days),
            not_after=now + timedelta(days=days),
        )
        files = CertifiedFiles(certificate=stem.with_suffix(".pem"), key=stem.with_suffix(".key"))
        files.certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        files.key.write_bytes(made.private_key_pem.bytes())
        return files

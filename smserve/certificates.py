"""Certificates and private keys: read from PEM, and checked before a connection depends on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from smserve.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["CertifiedKey", "NamedPem", "Pem", "certified_key", "read_certificates", "read_pem"]

_CURVES: Final = {"secp256r1", "secp384r1"}

Pem: TypeAlias = str | Path | bytes
"""A file's path, or what is in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPem:
    """What was read, and what messages call it; `repr` shows the name alone."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedKey:
    """A private key and the certificates that vouch for it.

    Attributes:
        certificate: PEM, the key's own first, then those that signed it.
        key: PEM, without a password.
        expires: When the first of them does.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    expires: datetime


def read_pem(pem: Pem, what: str) -> NamedPem:
    """Read a file, or take what was in one.

    Raises:
        InvalidInput: It can't be read.
    """
    if isinstance(pem, bytes):
        return NamedPem(name=what, data=pem)
    name = f"{what} {pem}"
    try:
        return NamedPem(name=name, data=Path(pem).read_bytes())
    except OSError as error:
        raise InvalidInput(f"the {name} can't be read ({error.strerror}); check the path and its permissions") from None


def certified_key(certificate: NamedPem, key: NamedPem) -> CertifiedKey:
    """Return a pair that is good to use now.

    Args:
        certificate: One, or a chain.
        key: The private key of the first.

    Raises:
        InvalidInput: They do not belong together, a certificate is expired or not valid yet, or gRPC can't use the key.
    """
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    chain = read_certificates(certificate)
    try:
        private: object = forms.load_pem_private_key(key.data, password=None)
    except TypeError:
        raise InvalidInput(
            f"the {key.name} has a password; store it without one, for its owner alone to read"
        ) from None
    except Exception:  # noqa: BLE001 - whatever it is, no message may repeat what was read
        raise InvalidInput(f"the {key.name} holds no private key in PEM (-----BEGIN PRIVATE KEY-----)") from None
    if not (
        isinstance(private, rsa.RSAPrivateKey)
        or (isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES)
    ):
        raise InvalidInput(
            f"the {key.name} is of a kind that gRPC can't use; make one of RSA, or of EC with P-256 or P-384"
        )
    form = (forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        raise InvalidInput(
            f"the {key.name} is not the key of the {certificate.name}; give the two that were made together"
        )
    now = datetime.now(UTC)
    for each in chain:
        if now >= each.not_valid_after_utc:
            raise InvalidInput(
                f"the {certificate.name} expired on {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; renew it"
            )
        if now < each.not_valid_before_utc:
            raise InvalidInput(
                f"the {certificate.name} is not valid before {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; wait, or "
                f"set the clock"
            )
    expires = min(each.not_valid_after_utc for each in chain)
    return CertifiedKey(certificate=certificate.data, key=key.data, expires=expires)


def read_certificates(pem: NamedPem) -> list[x509.Certificate]:
    """Return the certificates in there.

    Raises:
        InvalidInput: There is none.
    """
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem.data)
    except ValueError:
        raise InvalidInput(f"the {pem.name} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)") from None

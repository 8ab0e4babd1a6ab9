"""Pairs that are good to use, and what is said of those that are not; by certificates that are made here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from smserve.certificates import NamedPem, certified_key, read_pem
from smserve.errors import InvalidInput

NOW = datetime.now(UTC).replace(microsecond=0)


def certificate(key: Any, *, days: tuple[float, float] = (-1, 30)) -> bytes:
    """Return a certificate that a key signs for itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def private(key: Any, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> NamedPem:
    data = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return NamedPem(name="TLS key", data=data)


def named(data: bytes) -> NamedPem:
    return NamedPem(name="TLS certificate", data=data)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["RSA", "P-256", "P-384"],
)
@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_good_pair(key: Any, form: serialization.PrivateFormat) -> None:
    pair = certified_key(named(certificate(key)), private(key, form))
    assert pair.expires == NOW + timedelta(days=30)
    assert "PRIVATE" not in repr(pair)
    assert "PRIVATE" not in repr(private(key, form))


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())])
def test_a_key_that_grpc_can_t_use(key: Any) -> None:
    """GRPC takes it, and then every handshake fails."""
    with pytest.raises(InvalidInput, match="the TLS key is of a kind that gRPC can't use; make one of RSA, or of EC"):
        certified_key(named(certificate(key)), private(key))


def test_the_first_of_a_chain_to_expire_counts() -> None:
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = certificate(first, days=(-1, 30)) + certificate(second, days=(-1, 7))
    assert certified_key(named(chain), private(first)).expires == NOW + timedelta(days=7)
    with pytest.raises(InvalidInput, match="the TLS key is not the key of the TLS certificate"):
        certified_key(named(chain), private(second))
    ended = certificate(first) + certificate(second, days=(-7, -1))
    with pytest.raises(InvalidInput, match="the TLS certificate expired on 20"):
        certified_key(named(ended), private(first))


def test_not_valid_yet() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(InvalidInput, match="the TLS certificate is not valid before 20"):
        certified_key(named(certificate(key, days=(1, 2))), private(key))


def test_a_key_that_can_t_be_read_is_not_repeated() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    damaged = NamedPem(name="TLS key", data=private(key).data[:90])
    with pytest.raises(InvalidInput, match="the TLS key holds no private key in PEM") as caught:
        certified_key(named(certificate(key)), damaged)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_bytes_need_no_file() -> None:
    assert read_pem(b"abc", "TLS key") == NamedPem(name="TLS key", data=b"abc")
    with pytest.raises(InvalidInput, match=r"the TLS key nowhere.pem can't be read \(No such file or directory\)"):
        read_pem("nowhere.pem", "TLS key")

"""No secret is ever told: not in a log, an error, a file of keys, nor on either standard stream of the server."""

import base64
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import grpc
import pytest

from smserve.client import Client, Tls
from smserve.errors import SmserveError
from smserve.server.security.key_file import create_key, revoke_key
from smserve.server.security.scopes import Scope
from tests.server.asking import QUERY
from tests.server.security.asking import RPCS, ask, bearer
from tests.support.certificates import Authority

SMSERVE = Path(sys.executable).with_name("smserve")


def shapes(secret: bytes) -> set[bytes]:
    """Return how a secret may look in a log: as it is, in hex, in base64, and in halves."""
    half = len(secret) // 2
    texts = {secret, secret[:half], secret[half:], secret.hex().encode(), repr(secret).encode()}
    for shift in range(3):  # base64 looks different at each of three places
        encoded = base64.b64encode(b"\0" * shift + secret)
        texts.add(encoded[8:-8])
        texts.add(encoded[8:-8].replace(b"+", b"-").replace(b"/", b"_"))
    return texts


def key_lines(pem: bytes) -> set[bytes]:
    """Return the lines of a private key, without the first: that of every key of a kind begins alike."""
    return {line for line in pem.splitlines()[2:] if len(line) > 16 and b"-----" not in line}


def read_address(stream: IO[str] | None) -> str:
    assert stream is not None
    line = stream.readline()
    assert line.startswith("listening on "), line
    return line.split()[-1]


def test_the_shapes_find_what_they_look_for() -> None:
    secret = b"smserve_abcdefghijklmnopqrstuvwxyz0123456789"
    for log in (secret, b"x" + base64.b64encode(b"pad" + secret), base64.b64encode(b"Bearer " + secret)):
        assert any(shape in log for shape in shapes(secret)), log


@pytest.mark.parametrize("level", ["debug", "info"])
def test_a_run_of_a_server_tells_no_secret(
    level: str, authority: Authority, tiny_model: Path, drawn_gallery: Path, tmp_path: Path
) -> None:
    """Good and bad calls of every kind, keys revoked, files damaged and renewed; then all that was told is searched."""
    files, ca = authority.issue(tmp_path / "server"), authority.write(tmp_path / "ca.pem")
    mine = authority.issue(tmp_path / "mine", "me@example.org")
    keys = tmp_path / "keys.json"
    made = {scope: create_key(keys, scope.text, scope)[1] for scope in Scope}
    expired = create_key(keys, "expired", Scope.ADMIN, days=1e-9)[1]
    wrong, malformed = "smserve_" + "w" * 43, "m" * 50
    secrets = [secret.encode() for secret in (*made.values(), expired, wrong, malformed)]
    private = key_lines(files.key.read_bytes()) | key_lines(mine.key.read_bytes())
    assert private
    arguments = [
        *("serve", "--port", 0, "--model", tiny_model, "--gallery", drawn_gallery, "--read-only", "--open-inference"),
        *("--tls-certificate", files.certificate, "--tls-key", files.key, "--tls-client-ca", ca, "--keys", keys),
        *("--health-port", 0, "--log-level", level),
    ]
    tries = [
        *(bearer(secret) for secret in (*made.values(), expired, wrong)),
        (("authorization", malformed),),
        (("authorization", f"Basic {malformed}"),),
        (*bearer(wrong), *bearer(expired)),
    ]
    told: list[bytes] = []
    log_file = tmp_path / "log"
    environment = os.environ | {"GRPC_VERBOSITY": "debug", "SMSERVE_DEBUG": "1"}
    with (
        log_file.open("wb") as log,
        subprocess.Popen(
            [SMSERVE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        ) as process,
    ):
        try:
            address = read_address(process.stdout)
            credentials = grpc.ssl_channel_credentials(
                authority.pem, mine.key.read_bytes(), mine.certificate.read_bytes()
            )
            with grpc.secure_channel(address, credentials) as channel:
                for path in RPCS:
                    told += [str(ask(channel, path, metadata)).encode() for metadata in tries]
            tls = Tls(ca=ca, certificate=mine.certificate, key=mine.key)
            with Client(address, tls=tls, api_key=made[Scope.READ]) as client:
                assert client.search(QUERY).hits
                revoke_key(keys, "read")
                for call in (client.info, client.galleries, lambda: list(client.search_stream([QUERY]))):
                    with pytest.raises(SmserveError) as caught:
                        call()
                    told += [str(caught.value).encode(), repr(caught.value).encode(), repr(client).encode()]
            keys.write_text(keys.read_text().replace('"scope"', made[Scope.WRITE]))  # damaged by a secret
            files.key.write_bytes(mine.key.read_bytes())
            with Client(address, tls=tls, api_key=made[Scope.ADMIN]) as client:
                assert client.search(QUERY).hits
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    text = log_file.read_bytes()
    assert process.returncode == 0
    assert b"the keys from before stay in use" in text
    assert b"the certificate from before stays in use" in text
    assert len(re.findall(rb" (UNAUTHENTICATED|PERMISSION_DENIED) ", text)) > 100
    told += [text, keys.read_bytes().replace(made[Scope.WRITE].encode(), b"")]
    for each in told:
        for secret in secrets:
            assert not any(shape in each for shape in shapes(secret))
        assert not any(line in each for line in private)
        assert b"PRIVATE KEY-----\n" not in each

"""Commands that ask a server with TLS, client certificates and keys, by options and by the environment."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smserve.server import Security, open_engine
from smserve.server.security.key_file import create_key
from smserve.server.security.scopes import Scope
from tests.cli.conftest import Run, document
from tests.support.certificates import Authority
from tests.support.running import running_server


@dataclass(frozen=True)
class Guarded:
    """A server that wants all that one can want, and what it wants."""

    address: str
    ca: Path
    certificate: Path
    key: Path
    key_file: Path
    secret: str

    @property
    def options(self) -> list[object]:
        return ["--server", self.address, *self.tls, "--api-key-file", self.key_file]

    @property
    def tls(self) -> list[object]:
        return ["--tls-ca", self.ca, "--tls-client-certificate", self.certificate, "--tls-client-key", self.key]


@pytest.fixture
def guarded(
    tiny_model: Path, other_model: Path, drawn_gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Guarded]:
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")  # as the commands set it, and put back in the end
    authority = Authority()
    ca = authority.write(tmp_path / "ca.pem")
    server, mine = authority.issue(tmp_path / "server"), authority.issue(tmp_path / "mine", "me@example.org")
    _, secret = create_key(tmp_path / "keys.json", "me", Scope.ADMIN)
    (tmp_path / "mine.txt").write_text(secret + "\n")
    shutil.copytree(drawn_gallery, tmp_path / "galleries" / "drawn")
    (tmp_path / "models").mkdir()
    shutil.copy(other_model, tmp_path / "models")
    engine = open_engine(tiny_model, [], folder=tmp_path / "galleries", models=tmp_path / "models", writable=True)
    security = Security(
        tls_certificate=server.certificate, tls_key=server.key, tls_client_ca=ca, keys=tmp_path / "keys.json"
    )
    with running_server(engine, security=security) as running:
        yield Guarded(running.address, ca, mine.certificate, mine.key, tmp_path / "mine.txt", secret)


def test_every_command_that_asks_a_server(
    run: Run, guarded: Guarded, pictures: Path, other_model: Path, tmp_path: Path
) -> None:
    picture = pictures / "red" / "0.png"
    queries = tmp_path / "queries.csv"
    queries.write_text(f"path,label\n{picture},red\n")
    for command in (
        ["search", picture, "--picture", tmp_path / "sheet.png"],
        ["embed", picture],
        ["compare", picture, picture],
        ["info"],
        ["index", "add", "--images", pictures],
        ["index", "remove", "nobody"],
        ["index", "generations"],
        ["index", "compact"],
        ["index", "rollback"],
        ["index", "evaluate", "--queries", queries],
        ["gallery", "list"],
        ["gallery", "create", "new"],
        ["gallery", "alias", "live", "new"],
        ["gallery", "drop", "new", "--yes"],
        ["gallery", "stage", "--model", other_model],
        ["gallery", "models"],
        ["gallery", "activate"],
    ):
        keyless = run(*command, "--server", guarded.address, *guarded.tls)
        assert keyless.exit_code == 1, (command, keyless.output)
        assert "this server wants an API key" in keyless.stderr, command
        bare = run(*command, "--server", guarded.address, "--api-key-file", guarded.key_file)
        assert bare.exit_code == 1, (command, bare.output)
        assert "it may want TLS" in bare.stderr, command
        done = run(*command, *guarded.options)
        assert done.exit_code == 0, (command, done.output)
        assert guarded.secret not in done.output + keyless.output + bare.output


def test_the_environment_says_it_once_for_all_commands(
    run: Run, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SMSERVE_SERVER": guarded.address,
        "SMSERVE_TLS_CA": guarded.ca,
        "SMSERVE_TLS_CLIENT_CERTIFICATE": guarded.certificate,
        "SMSERVE_TLS_CLIENT_KEY": guarded.key,
        "SMSERVE_API_KEY": guarded.secret,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert document(run("info", "--json"))["galleries"][0]["name"] == "drawn"
    assert document(run("gallery", "list", "--json"))[0]["name"] == "drawn"
    for arguments in (["config", "show"], ["config", "show", "--json"], ["search", "--help"]):
        shown = run(*arguments)
        assert shown.exit_code == 0
        assert guarded.secret not in shown.output
    guarded.key_file.write_text("smserve_wrong")
    wrong = run("info", "--api-key-file", guarded.key_file)
    assert "it is wrong, or was revoked" in wrong.stderr, "the option wins"
    named = run("info", "--tls-server-name", "search.example.org")
    assert "its TLS certificate is for another name" in named.stderr


def test_a_key_does_not_go_to_another_machine_in_plaintext(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSERVE_API_KEY", "smserve_secret")
    refused = run("info", "--server", "search.example.org:50051")
    assert refused.exit_code == 1
    assert "everybody on the way to search.example.org:50051 can read the API key" in refused.stderr
    assert "smserve_secret" not in refused.output
    allowed = run("info", "--server", "no.such.host.invalid:1", "--insecure", "--timeout", 5)
    assert "everybody on the way" not in allowed.stderr


def test_half_of_a_pair(run: Run, guarded: Guarded) -> None:
    half = run("info", "--server", guarded.address, "--tls-client-key", guarded.key)
    assert half.exit_code == 1
    assert "tls has a client key without its certificate" in half.stderr

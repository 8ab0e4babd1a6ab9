"""`smserve keys`."""

import json
import re
from pathlib import Path

import pytest

from smserve.cli.keys import _SCOPES
from smserve.server.security.keys import digest_of
from smserve.server.security.scopes import Scope
from tests.cli.conftest import Run, document

SECRET = re.compile(r"smserve_[\w-]{43}")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_the_scopes_are_those_of_the_server() -> None:
    assert [scope.text for scope in Scope] == _SCOPES


def test_a_new_key_alone_is_on_standard_output(run: Run, keys: Path) -> None:
    made = run("keys", "create", "shop", "--scope", "read", "--keys", keys)
    assert made.exit_code == 0
    secret = made.stdout.removesuffix("\n")
    assert SECRET.fullmatch(secret)
    assert secret not in made.stderr
    assert "key shop" in made.stderr
    (entry,) = json.loads(keys.read_text())["keys"]
    assert entry["sha256"] == digest_of(secret)
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_key_s_life(run: Run, keys: Path) -> None:
    made = document(run("keys", "create", "import", "--scope", "write", "--expires", 90, "--keys", keys, "--json"))
    assert SECRET.fullmatch(made["key"])
    run("keys", "create", "old", "--scope", "admin", "--expires", 1e-9, "--keys", keys)
    listed = run("keys", "list", "--keys", keys)
    header, *rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert header == ["name", "scope", "created", "expires", "expired"]
    assert [(row[0], row[1], row[4]) for row in rows] == [("import", "write", ""), ("old", "admin", "yes")]
    assert made["key"] not in listed.output
    assert {each["name"]: each["expired"] for each in document(run("keys", "list", "--keys", keys, "--json"))} == {
        "import": False,
        "old": True,
    }
    assert document(run("keys", "revoke", "old", "--keys", keys, "--json")) == {"revoked": "old"}
    assert [each["name"] for each in document(run("keys", "list", "--keys", keys, "--json"))] == ["import"]


def test_what_goes_wrong(run: Run, keys: Path) -> None:
    assert run("keys", "create", "a", "--keys", keys).exit_code == 2
    assert run("keys", "create", "a", "--scope", "root", "--keys", keys).exit_code == 2
    assert run("keys", "create", "a b", "--scope", "read", "--keys", keys).exit_code == 1
    assert not keys.exists()
    missing = run("keys", "list", "--keys", keys)
    assert (missing.exit_code, "make one with `smserve keys create" in missing.stderr) == (1, True)
    run("keys", "create", "a", "--scope", "read", "--keys", keys)
    again = run("keys", "create", "a", "--scope", "read", "--keys", keys)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "has a key 'a' already" in again.stderr
    assert "has no key 'b'" in run("keys", "revoke", "b", "--keys", keys).stderr

"""Keys, and the text that lists them."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smserve.errors import InvalidInput
from smserve.server.security.keys import ApiKey, digest_of, keys_from_json, keys_to_json, new_secret
from smserve.server.security.scopes import Scope

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
KEYS = (
    ApiKey(name="shop", scope=Scope.READ, sha256=digest_of("a"), created=NOW),
    ApiKey(name="import.7", scope=Scope.ADMIN, sha256=digest_of("b"), created=NOW, expires=NOW + timedelta(days=1)),
)
ENTRY = {"name": "shop", "scope": "read", "sha256": "0" * 64, "created": "2026-11-29T08:00:00Z"}


def test_secrets_hold_256_random_bits_and_can_be_recognised() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"smserve_[\w-]{43}", secret) for secret in secrets)


def test_what_is_written_is_read() -> None:
    text = keys_to_json(KEYS)
    assert keys_from_json(text) == KEYS
    assert json.loads(text)["keys"][1]["expires"] == "2026-11-30T08:00:00Z"


def test_a_file_of_version_1_is_read_for_ever() -> None:
    """The text of docs/security.md, byte for byte."""
    text = """\
{
  "version": 1,
  "keys": [
    {
      "name": "shop",
      "scope": "read",
      "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      "created": "2026-11-29T08:00:00Z"
    }
  ]
}
"""
    assert keys_from_json(text) == KEYS[:1]
    assert keys_to_json(KEYS[:1]) == text


def test_expiry() -> None:
    now = datetime.now(UTC)
    assert not KEYS[0].is_expired
    for seconds, expired in ((-1, True), (60, False)):
        expires = now + timedelta(seconds=seconds)
        key = ApiKey(name="a", scope=Scope.READ, sha256="", created=now, expires=expires)
        assert key.is_expired is expired


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"version": 2, "keys": []}, 'wanted {"version": 1'),
        ({"version": 1}, 'wanted {"version": 1'),
        ({"version": 1, "keys": [], "more": 1}, 'wanted {"version": 1'),
        ({"version": 1, "keys": {}}, "keys is no list"),
        ([], 'wanted {"version": 1'),
        ({"version": 1, "keys": [7]}, r"keys\[0\] wants the fields created, name, scope, sha256"),
        ({"version": 1, "keys": [ENTRY | {"scopes": "read"}]}, r"keys\[0\] wants the fields"),
        ({"version": 1, "keys": [ENTRY | {"created": 7}]}, r"keys\[0\] has a field that is no text"),
        ({"version": 1, "keys": [ENTRY | {"scope": "root"}]}, r"keys\[0\].scope is none of read, write, admin"),
        ({"version": 1, "keys": [ENTRY | {"created": "yesterday"}]}, r"keys\[0\].created is no time with its zone"),
        (
            {"version": 1, "keys": [ENTRY | {"expires": "2026-11-29T08:00:00"}]},
            r"keys\[0\].expires is no time with",
        ),
        ({"version": 1, "keys": [ENTRY | {"name": "a b\nforged"}]}, "a key's name is"),
        ({"version": 1, "keys": [ENTRY, ENTRY]}, "two keys are named 'shop'"),
    ],
)
def test_a_wrong_document(document: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        keys_from_json(json.dumps(document))


def test_no_json() -> None:
    with pytest.raises(InvalidInput, match="it is no JSON"):
        keys_from_json(b"\xff{")


def test_a_secret_that_stands_in_the_file_by_mistake_is_not_repeated() -> None:
    secret = new_secret()
    with pytest.raises(InvalidInput, match=r"keys\[0\].sha256 is none") as caught:
        keys_from_json(json.dumps({"version": 1, "keys": [ENTRY | {"sha256": secret}]}))
    assert secret not in str(caught.value)

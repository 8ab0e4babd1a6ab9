"""The keys of a running server follow their file."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from smserve.server.security.key_file import revoke_key
from smserve.server.security.key_ring import KeyRing
from smserve.server.security.scopes import Scope

MakeKey = Callable[..., str]


def name_of(ring: KeyRing, secret: str) -> str | None:
    key = ring.find(secret)
    return key.name if key else None


def test_each_secret_leads_to_its_key(make_key: MakeKey, key_file: Path) -> None:
    secrets = {name: make_key(name, scope) for name, scope in (("a", Scope.READ), ("b", Scope.ADMIN))}
    ring = KeyRing(key_file)
    assert {name: name_of(ring, secret) for name, secret in secrets.items()} == {"a": "a", "b": "b"}
    for wrong in ("", secrets["a"][:-1], secrets["a"] + "x", secrets["a"].upper(), "smserve_"):
        assert ring.find(wrong) is None


def test_every_key_is_compared_whichever_fits(
    make_key: MakeKey, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time that an answer takes would tell how far down the list a key is."""
    import hmac

    secrets = [make_key(f"k{number}") for number in range(5)]
    ring = KeyRing(key_file)
    compared: list[str] = []
    compare = hmac.compare_digest

    def counting(left: str, right: str) -> bool:
        compared.append(left)
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counting)  # counts, and does what it did
    for secret in (secrets[0], secrets[4], "wrong"):
        compared.clear()
        ring.find(secret)
        assert len(compared) == 5


def test_changes_are_seen_at_the_next_question(make_key: MakeKey, key_file: Path) -> None:
    first = make_key("first")
    ring = KeyRing(key_file)
    second = make_key("second")
    assert name_of(ring, second) == "second"
    revoke_key(key_file, "first")
    assert ring.find(first) is None
    assert name_of(ring, second) == "second"


@pytest.mark.parametrize("damage", ["{", "", '{"version": 9, "keys": []}', None])
def test_a_damaged_file_leaves_the_keys_and_is_told_of_once(
    make_key: MakeKey, key_file: Path, caplog: pytest.LogCaptureFixture, damage: str | None
) -> None:
    secret = make_key("a")
    good = key_file.read_bytes()
    ring = KeyRing(key_file)
    if damage is None:
        key_file.unlink()
    else:
        key_file.write_text(damage)
    assert [name_of(ring, secret) for _ in range(3)] == ["a", "a", "a"]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert str(key_file) in errors[0]
    assert errors[0].endswith("; the keys from before stay in use")
    key_file.write_bytes(good.replace(b'"a"', b'"renamed"'))
    assert name_of(ring, secret) == "renamed"


def test_an_equal_size_and_time_do_not_hide_a_change(make_key: MakeKey, key_file: Path) -> None:
    secret = make_key("a")
    before = key_file.stat()
    ring = KeyRing(key_file)
    key_file.write_bytes(key_file.read_bytes().replace(b'"a"', b'"b"'))
    os.utime(key_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert name_of(ring, secret) == "b"


def test_without_a_file_it_does_not_begin(key_file: Path) -> None:
    with pytest.raises(InvalidInput, match="make one with `smserve keys create"):
        KeyRing(key_file)


def test_who_may_call_is_logged_by_name(make_key: MakeKey, key_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smserve")
    secrets = [make_key("shop"), make_key("boss", Scope.ADMIN, days=0.000001)]
    KeyRing(key_file)
    assert f"2 API keys: shop (read), boss (admin, expired) in {key_file} may call" in caplog.text
    assert not any(secret in caplog.text for secret in secrets)

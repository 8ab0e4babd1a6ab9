"""The file of keys as its owner changes it."""

import stat
import threading
from pathlib import Path

import pytest

from smserve.errors import AlreadyExists, InvalidInput, NotFound
from smserve.server.security.key_file import create_key, read_keys, revoke_key
from smserve.server.security.keys import digest_of
from smserve.server.security.scopes import Scope


def test_a_new_file_is_its_owner_s_alone_and_holds_no_secret(key_file: Path) -> None:
    key, secret = create_key(key_file, "shop", Scope.WRITE, days=2)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert secret not in key_file.read_text()
    assert read_keys(key_file) == (key,)
    assert key.sha256 == digest_of(secret)
    assert key.expires is not None
    assert (key.expires - key.created).total_seconds() == 2 * 86_400
    assert list(key_file.parent.iterdir()) == [key_file]


def test_revoking_leaves_the_others(key_file: Path) -> None:
    for name in ("a", "b", "c"):
        create_key(key_file, name, Scope.READ)
    revoke_key(key_file, "b")
    assert [key.name for key in read_keys(key_file)] == ["a", "c"]
    with pytest.raises(NotFound, match="has no key 'b'; `smserve keys list"):
        revoke_key(key_file, "b")


def test_names_are_told_apart(key_file: Path) -> None:
    create_key(key_file, "a", Scope.READ)
    with pytest.raises(AlreadyExists, match="has a key 'a' already"):
        create_key(key_file, "a", Scope.ADMIN)
    with pytest.raises(InvalidInput, match="a key's name is"):
        create_key(key_file, "a\nb", Scope.ADMIN)
    assert len(read_keys(key_file)) == 1


def test_two_who_change_it_at_a_time_lose_nothing(key_file: Path) -> None:
    def add(first: int) -> None:
        for number in range(first, first + 10):
            create_key(key_file, f"key{number}", Scope.READ)

    threads = [threading.Thread(target=add, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(read_keys(key_file)) == 40


def test_no_file(key_file: Path) -> None:
    with pytest.raises(InvalidInput, match=r"can't be read \(No such file or directory\); make one with `smserve keys"):
        read_keys(key_file)
    with pytest.raises(NotFound):
        revoke_key(key_file, "a")
    with pytest.raises(InvalidInput, match="can't be written"):
        create_key(key_file / "nowhere" / "keys.json", "a", Scope.READ)


def test_a_damaged_file_is_not_written_over(key_file: Path) -> None:
    key_file.write_text("{")
    with pytest.raises(InvalidInput, match=f"the file of keys {key_file} can't be used: it is no JSON"):
        create_key(key_file, "a", Scope.READ)
    assert key_file.read_text() == "{"


def test_a_file_that_anybody_may_change_is_refused(key_file: Path) -> None:
    create_key(key_file, "a", Scope.READ)
    key_file.chmod(0o646)
    with pytest.raises(InvalidInput, match=r"anybody may write to the file of keys .*; run `chmod 600"):
        read_keys(key_file)


def test_who_may_read_it_may_go_on_reading_it(key_file: Path) -> None:
    """The server may run as another user than who makes keys."""
    create_key(key_file, "a", Scope.READ)
    key_file.chmod(0o640)
    create_key(key_file, "b", Scope.READ)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o640
    revoke_key(key_file, "a")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o640

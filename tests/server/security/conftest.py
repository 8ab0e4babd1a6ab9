"""An authority, the files of a server, a file of keys, and ways to ask."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smserve.server.security.key_file import create_key
from smserve.server.security.scopes import Scope
from tests.support.certificates import Authority, CertifiedFiles


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def server_files(authority: Authority, tmp_path: Path) -> CertifiedFiles:
    """Of a server at localhost."""
    return authority.issue(tmp_path / "server")


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> Path:
    return authority.write(tmp_path / "ca.pem")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where keys are; none yet."""
    return tmp_path / "keys.json"


@pytest.fixture
def make_key(key_file: Path) -> Callable[..., str]:
    """Adds a key and returns its secret."""

    def make(name: str, scope: Scope = Scope.READ, **settings: Any) -> str:
        return create_key(key_file, name, scope, **settings)[1]

    return make

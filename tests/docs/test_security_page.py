"""docs/security.md: its commands make what its example connects with, and its table has every rpc."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser
from sybil.region import Lexeme

from smserve.server import Security, open_engine
from smserve.server.security.keys import keys_from_json
from smserve.server.security.scopes import Scope, scope_of
from tests.server.security.asking import FREE, RPCS
from tests.support.running import running_server

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_from_nothing_to_a_server_that_knows_its_callers(
    tiny_model: Path,
    drawn_gallery: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    monkeypatch.chdir(tmp_path)
    shutil.copy(pictures / "red" / "1.jpg", "photo.jpg")
    (commands,) = blocks("sh")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-e", "-c", commands], check=True, capture_output=True, timeout=60, env=os.environ | {"PATH": path}
    )
    security = Security(
        tls_certificate=Path("server.pem"),
        tls_key=Path("server.key"),
        tls_client_ca=Path("ca.pem"),
        keys=Path("keys.json"),
    )
    with running_server(open_engine(tiny_model, [("photos", drawn_gallery)]), security=security) as server:

        def evaluate(example: Example) -> None:
            code = example.parsed
            address = code.replace("search.example.org:50051", server.address)
            example.parsed = Lexeme(address, code.offset, code.line_offset)
            PythonEvaluator()(example)

        (example,) = Sybil(parsers=[CodeBlockParser("python", evaluate)]).parse(PAGE).examples()
        example.evaluate()
    assert capsys.readouterr().out == "red/1.jpg\n"


def test_the_file_of_keys_is_one() -> None:
    (document,) = blocks("json")
    assert [key.name for key in keys_from_json(document)] == ["shop"]


def test_the_table_has_every_rpc_in_its_row() -> None:
    rows = {scope.text: scope for scope in Scope} | {"none": None}
    found: dict[str, Scope | None] = {}
    for name, scope in rows.items():
        (row,) = re.findall(rf"^\| `?{name}`? \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", row), scope))
    assert found == {path.rpartition("/")[2]: None if path in FREE else scope_of(path) for path in RPCS}

"""Every Python example of the pages below runs, in order, against a real server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser
from sybil.region import Lexeme

from smserve.client import Client
from smserve.model_file import fingerprint
from smserve.server import open_engine
from smserve.types import UpsertItem
from tests.support.running import running_server

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:50051"  # as the pages have it
PAGES = {"docs/client.md": 9, "docs/protocol.md": 1, "README.md": 1}  # and how many examples each has at least


@pytest.fixture
def address(
    tiny_model: Path,
    other_model: Path,
    drawn_gallery: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A server as the page describes it, and the files that its examples name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    drawn = sorted(pictures.rglob("*.png"))
    Path("pictures").mkdir()
    for number, name in enumerate(["photo.jpg", "a.jpg", "b.jpg", "8.jpg", "pictures/1.jpg", "pictures/2.jpg"]):
        with Image.open(drawn[number]) as image:
            image.convert("RGB").save(name)
    shutil.copytree(drawn_gallery, "photos.gallery")
    Path("galleries").mkdir()
    Path("models").mkdir()
    shutil.copy(other_model, "models/other.onnx")
    engine = open_engine(
        tiny_model,
        [("photos", Path("photos.gallery"))],
        folder=Path("galleries"),
        models=Path("models"),
        writable=True,
    )
    with running_server(engine) as server:
        with Client(server.address) as client:
            client.upsert([UpsertItem(item_id="cats/7.jpg", image=Path("a.jpg").read_bytes(), label="cat")])
        yield server.address


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, address: str, other_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = PythonEvaluator()

    def evaluate(example: Example) -> None:
        code = example.parsed
        example.parsed = Lexeme(code.replace(ADDRESS, address), code.offset, code.line_offset)
        python(example)

    document = Sybil(parsers=[CodeBlockParser("python", evaluate)]).parse(ROOT / page)
    document.namespace["other_model_fingerprint"] = fingerprint(other_model.read_bytes())
    examples = list(document.examples())
    assert len(examples) >= PAGES[page]
    for example in examples:
        example.evaluate()
    assert capsys.readouterr().out

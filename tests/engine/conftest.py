"""A gallery of pictures on disk, in a server's folder of galleries, and a folder with two models."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.indexing import build_gallery, pictures_in
from smserve.server import open_engine
from tests.support.pictures import write_class_folders
from tests.support.tiny_model import write_tiny_model


@dataclass(frozen=True, kw_only=True)
class House:
    """What a server is started with.

    Attributes:
        photos: 24 pictures, PHOTOS/CLASS/N.png.
        galleries: The folder of galleries; "photos" is one of them, made by `old`.
        models: A folder with `old` and `new`.
        old: Model of 8 dimensions.
        new: Another one, of 12.
    """

    photos: Path
    galleries: Path
    models: Path
    old: Embedder
    new: Embedder

    def open(self, *, writable: bool = True) -> Engine:
        return open_engine(self.models / "old.onnx", [], folder=self.galleries, models=self.models, writable=writable)


@pytest.fixture(scope="session")
def built(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    write_class_folders(root / "photos")
    (root / "models").mkdir()
    shutil.copy(tiny_model, root / "models" / "old.onnx")
    write_tiny_model(root / "models" / "new.onnx", seed=3, dimension=12)
    build_gallery(model=tiny_model, sources=pictures_in(root / "photos"), gallery=root / "galleries" / "photos")
    return root


@pytest.fixture
def house(built: Path, tmp_path: Path) -> House:
    models = built / "models"
    return House(
        photos=built / "photos",
        galleries=shutil.copytree(built / "galleries", tmp_path / "galleries"),
        models=models,
        old=Embedder(models / "old.onnx"),
        new=Embedder(models / "new.onnx"),
    )


@pytest.fixture
def engine(house: House) -> Iterator[Engine]:
    engine = house.open()
    yield engine
    engine.close()

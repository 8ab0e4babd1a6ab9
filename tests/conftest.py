"""Fixtures that many tests share."""

from pathlib import Path

import pytest

from tests.support.galleries import build_drawn_gallery
from tests.support.pictures import write_class_folders
from tests.support.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a small, real model file (D=8, 16 x 16)."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same dimension and another fingerprint."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "other.onnx", seed=1)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a class of drawn pictures: 6 classes of 4."""
    root = tmp_path_factory.mktemp("pictures")
    write_class_folders(root)
    return root


@pytest.fixture(scope="session")
def drawn_gallery(tiny_model: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn pictures, indexed: 24 items of 6 colours."""
    return build_drawn_gallery(tiny_model, pictures, tmp_path_factory.mktemp("galleries") / "drawn")


@pytest.fixture(scope="session")
def small_gallery(tiny_model: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 4 red ones alone."""
    return build_drawn_gallery(tiny_model, pictures / "red", tmp_path_factory.mktemp("galleries") / "small")

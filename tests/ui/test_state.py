"""What the page of the server's state knows."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from smserve.client import Client
from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import GalleryFixed
from smserve.gallery import NewItem
from smserve.server import open_engine
from smserve.types import UpsertItem
from smserve.ui.state import read_state, recall_text
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode
from tests.support.running import running_server


def test_a_gallery_that_is_written_to_tells_its_generations(
    tiny_model: Path, drawn_gallery: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn_gallery, tmp_path / "drawn")
    engine = open_engine(tiny_model, [("drawn", tmp_path / "drawn")], writable=True)
    with running_server(engine) as server, Client(server.address) as client:
        client.upsert([UpsertItem(item_id="new", image=encode(draw("red", 9)))])
        client.compact()
        (gallery,) = read_state(client).galleries
    assert not isinstance(gallery.generations, Exception)
    assert [(each.number, each.item_count, each.current) for each in gallery.generations] == [
        (2, 25, True),
        (1, 24, False),
    ]
    assert [recall_text(each.recall) for each in gallery.generations] == ["exact", "exact"]
    assert not isinstance(gallery.models, Exception)
    assert [each.state for each in gallery.models] == ["in use"]


def test_what_the_server_refuses_to_tell_is_the_reason(tiny_model: Path) -> None:
    embedder = Embedder(tiny_model)
    items = [NewItem(item_id="one", vector=np.eye(8, dtype=np.float32)[0])]
    gallery = MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)
    with running_server(Engine(embedder, {"basis": gallery})) as server, Client(server.address) as client:
        state = read_state(client)
    assert [type(each.generations) for each in state.galleries] == [GalleryFixed]
    assert state.round_trip_ms > 0


def test_a_gallery_that_is_only_read_tells_its_generations(address: str) -> None:
    with Client(address) as client:
        galleries = read_state(client).galleries
    assert galleries
    assert all(isinstance(each.generations, list) for each in galleries)


@pytest.mark.parametrize(
    ("recall", "text"),
    [
        ({"kind": "exact", "recall_at_10": 1.0}, "exact"),
        (
            {"kind": "measured", "recall_at_10": 0.99312, "low": 0.991, "high": 0.995, "queries": 900},
            "at 10: 0.9931 (0.9910 to 0.9950)",
        ),
        ({}, "not measured"),
    ],
)
def test_recall_in_words(recall: dict[str, object], text: str) -> None:
    assert recall_text(recall) == text

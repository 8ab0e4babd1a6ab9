"""Recall@K through a server, counted by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.client import Client, LabelledQuery, evaluate_recall
from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import GalleryNotFound, InvalidInput, Unavailable
from smserve.gallery.interface import NewItem
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode
from tests.support.running import running_server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("queries")
    paths = {}
    for color in ("red", "green", "blue"):
        paths[color] = folder / f"{color}.png"
        paths[color].write_bytes(encode(draw(color)))
    return paths


@pytest.fixture(scope="module")
def client(tiny_model: Path, files: dict[str, Path]) -> Iterator[Client]:
    """Three items, each one of the files, under its own label; and a second red one, exactly the same."""
    embedder = Embedder(tiny_model)
    engine = Engine(embedder, {})
    vectors = {color: engine.embed([path.read_bytes()])[0].vector for color, path in files.items()}
    items = [
        NewItem(item_id=f"{color}.png", label=color, vector=vector)
        for color, vector in vectors.items()
        if vector is not None
    ]
    items.append(NewItem(item_id="again.png", label="red", vector=items[0].vector))
    gallery = MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)
    with running_server(Engine(embedder, {"g": gallery})) as server, Client(server.address) as client:
        yield client


def test_the_querys_own_item_does_not_count(client: Client, files: dict[str, Path]) -> None:
    """Red has a twin; green and blue have nothing but themselves."""
    queries = [LabelledQuery(path=path, label=color, item_id=path.name) for color, path in files.items()]
    report = evaluate_recall(client, queries, ks=(1, 3))
    assert report.recall == {1: pytest.approx(1 / 3), 3: pytest.approx(1 / 3)}
    assert (report.queries, report.failures, report.gallery, report.generation) == (3, (), "g", 1)


def test_queries_from_outside_keep_every_hit(client: Client, files: dict[str, Path]) -> None:
    queries = [LabelledQuery(path=path, label=color) for color, path in files.items()]
    assert evaluate_recall(client, queries, ks=(1,)).recall == {1: 1.0}


def test_a_wrong_first_hit_counts_further_down(client: Client, files: dict[str, Path]) -> None:
    """Green's picture said to be red: green is first, then by and by both reds."""
    report = evaluate_recall(client, [LabelledQuery(path=files["green"], label="red")], ks=(1, 4))
    assert report.recall == {1: 0.0, 4: 1.0}


def test_failures_are_listed_and_not_counted(client: Client, files: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    done: list[int] = []
    queries = [
        LabelledQuery(path=broken, label="red"),
        LabelledQuery(path=files["red"], label="red"),
        LabelledQuery(path=tmp_path / "missing.png", label="red"),
    ]
    report = evaluate_recall(client, queries, ks=(1,), progress=done.append)
    assert report.recall == {1: 1.0}
    assert report.queries == 1
    assert [failure.path for failure in report.failures] == [broken, tmp_path / "missing.png"]
    assert "no JPEG, PNG or WebP" in report.failures[0].message
    assert done == [1, 2, 3]


def test_nothing_to_count(client: Client, files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got 0 queries"):
        evaluate_recall(client, [])
    with pytest.raises(InvalidInput, match=r"K in \(0,\)"):
        evaluate_recall(client, [LabelledQuery(path=files["red"], label="red")], ks=(0,))
    with pytest.raises(InvalidInput, match="none of 1 queries could be answered"):
        evaluate_recall(client, [LabelledQuery(path=tmp_path / "missing.png", label="red")])


def test_what_is_wrong_with_all_of_them_is_one_error(client: Client, files: dict[str, Path]) -> None:
    queries = [LabelledQuery(path=files["red"], label="red")] * 3
    with pytest.raises(GalleryNotFound):
        evaluate_recall(client, queries, gallery="nowhere")
    with Client("127.0.0.1:1") as nobody, pytest.raises(Unavailable):
        evaluate_recall(nobody, queries)

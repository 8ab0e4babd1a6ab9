"""Known against unknown classes, counted by hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smserve.client import Client, LabelledQuery, evaluate_recall, measure_out_of_gallery
from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import InvalidInput
from smserve.gallery.interface import NewItem
from smserve.types import FloatArray
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import COLORS, draw, encode
from tests.support.running import running_server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("queries")
    paths = {color: folder / f"{color}.png" for color in COLORS}
    for color, path in paths.items():
        path.write_bytes(encode(draw(color)))
    return paths


@pytest.fixture(scope="module")
def vectors(tiny_model: Path, files: dict[str, Path]) -> dict[str, FloatArray]:
    embedder = Embedder(tiny_model)
    pixels = np.stack([embedder.prepare(path.read_bytes()) for path in files.values()])
    return dict(zip(files, embedder.embed(pixels), strict=True))


@pytest.fixture(scope="module")
def client(tiny_model: Path, vectors: dict[str, FloatArray]) -> Iterator[Client]:
    """Red, green and blue are in the gallery, each exactly its picture; blue goes by the label of green."""
    embedder = Embedder(tiny_model)
    labels = {"red": "red", "green": "green", "blue": "green"}
    items = [NewItem(item_id=color, label=label, vector=vectors[color]) for color, label in labels.items()]
    gallery = MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)
    with running_server(Engine(embedder, {"g": gallery})) as server, Client(server.address) as client:
        yield client


def queries(files: dict[str, Path], *colors: str) -> list[LabelledQuery]:
    return [LabelledQuery(path=files[color], label=color) for color in colors]


def test_the_shares_are_those_of_the_scores(
    client: Client,
    files: dict[str, Path],
    vectors: dict[str, FloatArray],
) -> None:
    known, unknown = ("red", "green", "blue"), ("yellow", "purple", "orange")
    nearest = {color: max(float(vectors[color] @ vectors[k]) for k in known) for color in unknown}
    middle = sorted(nearest.values())[1]
    done: list[int] = []
    report = measure_out_of_gallery(
        client,
        queries(files, *known),
        queries(files, *unknown),
        thresholds=(-1.0, middle - 1e-4, 0.9999),
        progress=done.append,
    )
    low, between, high = report.rows
    assert (low.known_accepted, low.unknown_accepted, low.unknown_rejected) == (1, 1, 0)
    assert [between.known_accepted, between.unknown_accepted] == pytest.approx([1, 2 / 3])
    shares = [high.known_accepted, high.known_right, high.unknown_rejected]
    assert shares == pytest.approx([1, 2 / 3, 1])  # blue is said to be green
    assert (report.known, report.unknown, report.failures, done[-1]) == (3, 3, (), 6)
    assert report.separation == 1
    assert report.best.balanced_accuracy == 1
    assert max(nearest.values()) < report.best.threshold <= 1.0001


def test_unknown_queries_like_known_ones_can_not_be_told(client: Client, files: dict[str, Path]) -> None:
    report = measure_out_of_gallery(client, queries(files, "red"), queries(files, "red"))
    assert report.separation == 0.5  # ties
    assert report.best.balanced_accuracy == 0.5
    assert [row.threshold for row in report.rows] == sorted(row.threshold for row in report.rows)


def test_both_kinds_are_needed(client: Client, files: dict[str, Path], tmp_path: Path) -> None:
    missing = [LabelledQuery(path=tmp_path / "missing.png", label="red")]
    with pytest.raises(InvalidInput, match="got 1 of known classes and 0 of unknown ones"):
        measure_out_of_gallery(client, queries(files, "red"), missing)
    with pytest.raises(InvalidInput, match="got 0 of known classes and 1"):
        measure_out_of_gallery(client, [], queries(files, "red"))
    with pytest.raises(InvalidInput, match="thresholds are 2"):
        measure_out_of_gallery(client, queries(files, "red"), queries(files, "red"), thresholds=(2,))


def test_recall_by_class(client: Client, files: dict[str, Path]) -> None:
    """Red finds red, green finds green; blue finds its own picture, which is said to be green."""
    report = evaluate_recall(client, [*queries(files, "red", "green", "blue"), *queries(files, "red")], ks=(1, 3))
    assert report.recall == {1: 0.75, 3: 0.75}
    assert report.class_mean == {1: pytest.approx(2 / 3), 3: pytest.approx(2 / 3)}
    assert [(each.label, each.queries, each.recall[1], each.confused_with) for each in report.by_class] == [
        ("blue", 1, 0.0, "green"),
        ("green", 1, 1.0, ""),
        ("red", 2, 1.0, ""),
    ]

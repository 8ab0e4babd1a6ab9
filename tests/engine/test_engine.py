"""What only the engine in process can show; its answers are tested in tests/contract."""

from pathlib import Path

import numpy as np
import pytest

from smserve.config import ImageLimits
from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import DeadlineExceeded, GalleryNotFound, InvalidImage, ModelMismatch
from smserve.gallery.interface import NewItem
from smserve.types import SearchRequest
from tests.support.hostile import huge_png
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode


@pytest.fixture(scope="module")
def embedder(tiny_model: Path) -> Embedder:
    return Embedder(tiny_model)


def corners(embedder: Embedder) -> MemoryGallery:
    """Eight items, one a direction, and one half way between the first two."""
    eye = np.eye(8, dtype=np.float32)
    items = [NewItem(item_id=f"e{number}", vector=vector) for number, vector in enumerate(eye)]
    items.append(NewItem(item_id="half", vector=(eye[0] + eye[1]) / np.float32(np.sqrt(2))))
    return MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)


def test_a_gallery_of_another_model_is_refused(embedder: Embedder) -> None:
    foreign = MemoryGallery([], model_fingerprint="f" * 64, dimension=8)
    with pytest.raises(ModelMismatch, match=f"(?s){'f' * 64}.*{embedder.fingerprint}"):
        Engine(embedder, {"mine": corners(embedder), "foreign": foreign})


def test_without_a_gallery_it_only_embeds_and_compares(embedder: Embedder) -> None:
    engine = Engine(embedder, {})
    red = encode(draw("red"))
    assert engine.compare(red, red).score == pytest.approx(1.0, abs=1e-5)
    assert engine.server_info().galleries == ()
    with pytest.raises(GalleryNotFound, match="serves no gallery"):
        engine.search(SearchRequest(image=red))


def test_hits_by_hand(embedder: Embedder) -> None:
    engine = Engine(embedder, {"g": corners(embedder)})
    query = np.array([2, 1, 0, 0, 0, 0, 0, 0], np.float32)  # cosines: half 3/sqrt(10), e0 2/sqrt(5), e1 1/sqrt(5)
    result = engine.search(SearchRequest(vector=query, top_k=3))
    assert [hit.item_id for hit in result.hits] == ["half", "e0", "e1"]
    assert [hit.score for hit in result.hits] == pytest.approx([3 / 10**0.5, 2 / 5**0.5, 1 / 5**0.5])
    cut = engine.search(SearchRequest(vector=query, top_k=3, min_score=0.9))
    assert [hit.item_id for hit in cut.hits] == ["half"]


def test_an_item_leaves_itself_out_and_still_gets_top_k(embedder: Embedder) -> None:
    engine = Engine(embedder, {"g": corners(embedder)})
    result = engine.search(SearchRequest(item_id="e0", top_k=2))
    assert [hit.item_id for hit in result.hits] == ["half", "e1"]
    everything = engine.search(SearchRequest(item_id="e0", top_k=100))
    assert len(everything.hits) == 8


@pytest.mark.parametrize("calls_before", [0, 1, 2, 3])
def test_a_search_ends_at_the_next_step_once_nobody_waits(embedder: Embedder, calls_before: int) -> None:
    engine = Engine(embedder, {"g": corners(embedder)})
    calls = 0

    def still_wanted() -> None:
        nonlocal calls
        calls += 1
        if calls > calls_before:
            raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        engine.search(SearchRequest(image=encode(draw("red"))), still_wanted)
    assert calls == calls_before + 1


def test_limits_on_pictures_are_the_engines_own(embedder: Embedder) -> None:
    engine = Engine(embedder, {}, image_limits=ImageLimits(max_pixels=100))
    assert engine.server_info().max_image_pixels == 100
    with pytest.raises(InvalidImage, match="48 x 40 = 1,920 pixels, more than the limit of 100") as caught:
        engine.compare(encode(draw("red", size=(10, 10))), encode(draw("red")))
    assert caught.value.field == "second"


def test_a_huge_picture_is_refused_before_it_takes_memory(embedder: Embedder) -> None:
    engine = Engine(embedder, {}, decoded_bytes_in_flight=1)  # any decode would hold all of it
    (outcome,) = engine.embed([huge_png()])
    assert isinstance(outcome.error, InvalidImage)
    assert "13000 x 13100" in str(outcome.error)


def test_pictures_larger_than_the_budget_pass_one_by_one(embedder: Embedder) -> None:
    engine = Engine(embedder, {}, decoded_bytes_in_flight=1)
    outcomes = engine.embed([encode(draw("red")), encode(draw("blue"))])
    assert all(outcome.error is None for outcome in outcomes)


def test_a_batch_gives_the_vectors_of_single_calls(embedder: Embedder) -> None:
    engine = Engine(embedder, {})
    images = [encode(draw(color, seed)) for seed in range(4) for color in ("red", "green", "blue", "yellow", "purple")]
    together = engine.embed(images)
    for image, outcome in zip(images, together, strict=True):
        (alone,) = engine.embed([image])
        assert outcome.vector is not None
        assert alone.vector is not None
        assert outcome.vector == pytest.approx(alone.vector, abs=1e-5)


def test_close_closes_the_galleries(embedder: Embedder) -> None:
    gallery = corners(embedder)
    engine = Engine(embedder, {"g": gallery})
    engine.close()
    engine.close()
    assert gallery.closed

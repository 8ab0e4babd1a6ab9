"""What a search service answers, whether asked in process or over gRPC."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smserve.errors import (
    GalleryNotFound,
    InvalidImage,
    InvalidInput,
    InvalidTopK,
    InvalidVector,
    ItemNotFound,
    ModelMismatch,
)
from smserve.types import FieldMask, SearchRequest
from tests.contract.retrievers import Retriever
from tests.support.hostile import corrupt_png, huge_png
from tests.support.pictures import COLORS, draw, encode

EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)


@pytest.fixture(autouse=True)
def _still_answers(retriever: Retriever) -> "object":
    """After every test, whatever was sent: a plain search works."""
    yield
    assert len(retriever.search(SearchRequest(image=encode(draw("red")), top_k=1)).hits) == 1


@pytest.mark.parametrize("color", COLORS)
def test_a_picture_of_the_gallery_finds_itself(retriever: Retriever, pictures: Path, color: str) -> None:
    result = retriever.search(SearchRequest(image=(pictures / color / "2.png").read_bytes(), top_k=3))
    assert result.hits[0].item_id == f"{color}/2.png"
    assert result.hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert len(result.hits) == 3
    assert (result.gallery, result.generation >= 1) == ("drawn", True)
    assert result.model_fingerprint == retriever.server_info().model_fingerprint


def test_scores_fall_and_agree_with_brute_force(retriever: Retriever) -> None:
    image = encode(draw("purple", seed=9))
    (query,) = retriever.embed([image])
    assert query.vector is not None
    result = retriever.search(SearchRequest(image=image, top_k=24, fields=EVERYTHING))
    scores = [hit.score for hit in result.hits]
    assert len({hit.item_id for hit in result.hits}) == 24
    assert scores == sorted(scores, reverse=True)
    for hit in result.hits:
        assert hit.vector is not None
        assert hit.score == pytest.approx(float(np.dot(query.vector, hit.vector)), abs=1e-5)


def test_image_vector_and_item_agree(retriever: Retriever, pictures: Path) -> None:
    image = (pictures / "blue" / "0.png").read_bytes()
    (embedding,) = retriever.embed([image])
    assert embedding.vector is not None
    by_image = retriever.search(SearchRequest(image=image, top_k=6))
    by_vector = retriever.search(SearchRequest(vector=embedding.vector * np.float32(5), top_k=6))
    by_item = retriever.search(SearchRequest(item_id="blue/0.png", top_k=5))
    ids = [hit.item_id for hit in by_image.hits]
    assert [hit.item_id for hit in by_vector.hits] == ids
    assert [hit.label for hit in by_image.hits] == [item_id.partition("/")[0] for item_id in ids]
    assert [hit.item_id for hit in by_item.hits] == ids[1:]  # without itself, and still as many as asked for
    assert ids[0] == "blue/0.png"


def test_more_than_there_are(retriever: Retriever) -> None:
    result = retriever.search(SearchRequest(item_id="0.png", gallery="small", top_k=1000))
    assert len(result.hits) == 3
    assert result.gallery == "small"


def test_min_score_leaves_out_and_nothing_is_no_error(retriever: Retriever) -> None:
    image = encode(draw("red", seed=9))
    everything = retriever.search(SearchRequest(image=image, top_k=24)).hits
    middle = everything[11].score
    some = retriever.search(SearchRequest(image=image, top_k=24, min_score=middle - 1e-6)).hits
    assert [hit.item_id for hit in some] == [hit.item_id for hit in everything if hit.score >= middle - 1e-6]
    assert retriever.search(SearchRequest(image=image, min_score=1.5)).hits == ()


def test_parts_of_an_item_come_when_asked_for(retriever: Retriever) -> None:
    (plain,) = retriever.search(SearchRequest(item_id="red/0.png", top_k=1)).hits
    assert (plain.vector, plain.thumbnail, plain.probability) == (None, None, None)
    (full,) = retriever.search(SearchRequest(item_id="red/0.png", top_k=1, fields=EVERYTHING)).hits
    assert full.vector is not None
    assert full.vector.shape == (8,)
    assert full.thumbnail is not None
    with Image.open(io.BytesIO(full.thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.size == (48, 40)


def test_get_item(retriever: Retriever) -> None:
    result = retriever.items.get("", "green/1.jpg", EVERYTHING)
    assert result.item.item_id == "green/1.jpg"
    assert result.item.source_uri.endswith("green/1.jpg")
    assert result.item.vector is not None
    assert np.linalg.norm(result.item.vector) == pytest.approx(1.0, abs=1e-5)
    assert result.item.thumbnail is not None
    assert result.gallery == "drawn"
    bare = retriever.items.get("drawn", "green/1.jpg", FieldMask(payload=False)).item
    assert (bare.vector, bare.thumbnail, bare.payload) == (None, None, {})


def test_compare(retriever: Retriever) -> None:
    red, other, blue = encode(draw("red")), encode(draw("red", 2)), encode(draw("blue"))
    assert retriever.compare(red, red).score == pytest.approx(1.0, abs=1e-5)
    first, second = retriever.embed([red, blue])
    assert first.vector is not None
    assert second.vector is not None
    comparison = retriever.compare(red, blue)
    assert comparison.score == pytest.approx(float(np.dot(first.vector, second.vector)), abs=1e-5)
    assert comparison.probability is None
    assert -1 <= retriever.compare(other, blue).score <= 1


def test_embed_gives_each_picture_its_own_outcome(retriever: Retriever) -> None:
    good, bad, also_good = retriever.embed([encode(draw("red")), b"no picture", encode(draw("blue"))])
    assert good.vector is not None
    assert also_good.vector is not None
    assert np.linalg.norm(good.vector) == pytest.approx(1.0, abs=1e-5)
    assert isinstance(bad.error, InvalidImage)
    assert bad.vector is None


def test_info_and_galleries(retriever: Retriever) -> None:
    info = retriever.server_info()
    assert (info.model_name, info.dimension, info.input_height, info.input_width) == ("tiny-0", 8, 16, 16)
    assert (info.max_top_k, info.max_image_pixels) == (1000, 50_000_000)
    assert [gallery.name for gallery in info.galleries] == ["drawn", "small"]
    assert list(info.galleries) == list(retriever.list_galleries())
    drawn = info.galleries[0]
    assert (drawn.item_count, drawn.dimension, drawn.metric) == (24, 8, "cosine")
    assert drawn.model_fingerprint == info.model_fingerprint


def test_a_pinned_model(retriever: Retriever) -> None:
    mine = retriever.server_info().model_fingerprint
    assert retriever.search(SearchRequest(item_id="red/0.png", expected_model_fingerprint=mine)).hits
    with pytest.raises(ModelMismatch, match=f"expects model {'0' * 64}, the server has {mine}"):
        retriever.search(SearchRequest(item_id="red/0.png", expected_model_fingerprint="0" * 64))


@pytest.mark.parametrize("top_k", [-1, 0, 1001])
def test_top_k_out_of_range(retriever: Retriever, top_k: int) -> None:
    with pytest.raises(InvalidTopK, match=f"top_k is {top_k}; wanted at least 1") as caught:
        retriever.search(SearchRequest(item_id="red/0.png", top_k=top_k))
    assert caught.value.field == "top_k"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "empty"),
        (b"hello", "no JPEG, PNG or WebP"),
        (encode(draw("red"), "GIF"), "no JPEG, PNG or WebP"),
        (encode(draw("red"))[:400], "damaged or cut short"),
        (corrupt_png(), "damaged"),
        (huge_png(), r"13000 x 13100 = 170,300,000 pixels, more than the limit of 50,000,000"),
    ],
    ids=["empty", "text", "gif", "truncated", "corrupt", "170 megapixels"],
)
def test_bad_pictures(retriever: Retriever, image: bytes, message: str) -> None:
    with pytest.raises(InvalidImage, match=message) as caught:
        retriever.search(SearchRequest(image=image))
    assert caught.value.field == "image"
    with pytest.raises(InvalidImage, match=message) as caught:
        retriever.compare(encode(draw("red")), image)
    assert caught.value.field == "second"


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(9, np.float32), "the vector has D=9, the model has D=8"),
        (np.ones(0, np.float32), "the vector has D=0, the model has D=8"),
        (np.full(8, np.nan, np.float32), "number 0 is nan"),
        (np.zeros(8, np.float32), "all zeros"),
    ],
)
def test_bad_vectors(
    retriever: Retriever, vector: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", message: str
) -> None:
    with pytest.raises(InvalidVector, match=message):
        retriever.search(SearchRequest(vector=vector))


def test_unknown_names(retriever: Retriever) -> None:
    with pytest.raises(ItemNotFound, match=r"nobody\.png"):
        retriever.search(SearchRequest(item_id="nobody.png"))
    with pytest.raises(ItemNotFound, match=r"nobody\.png"):
        retriever.items.get("", "nobody.png", FieldMask())
    with pytest.raises(GalleryNotFound, match="no gallery 'birds' here; galleries served: 'drawn', 'small'"):
        retriever.search(SearchRequest(item_id="red/0.png", gallery="birds"))
    with pytest.raises(GalleryNotFound):
        retriever.items.get("birds", "red/0.png", FieldMask())


@pytest.mark.parametrize(
    "item_id", ["x" * 100_000, "🥝" * 10_000, "größe/🥝.png", "a\nb", "a\0b", "'; drop table items"]
)
def test_strange_ids_are_just_not_there(retriever: Retriever, item_id: str) -> None:
    with pytest.raises(ItemNotFound):
        retriever.search(SearchRequest(item_id=item_id))


@pytest.mark.parametrize("min_score", [float("nan"), float("inf")])
def test_min_score_must_be_a_number(retriever: Retriever, min_score: float) -> None:
    with pytest.raises(InvalidInput, match="min_score") as caught:
        retriever.search(SearchRequest(item_id="red/0.png", min_score=min_score))
    assert caught.value.field == "min_score"


def test_not_exactly_one_query(retriever: Retriever) -> None:
    with pytest.raises(InvalidInput) as caught:
        retriever.search(SearchRequest())
    assert caught.value.field == "query"
    with pytest.raises(InvalidInput):
        retriever.search(SearchRequest(image=b"x", item_id="red/0.png"))

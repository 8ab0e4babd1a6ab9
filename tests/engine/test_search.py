"""One search and many: the same answers, completeness told truthfully, and no step that nobody waits for."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.engine.stages import Stage
from smserve.errors import (
    Cancelled,
    GalleryNotFound,
    GenerationMismatch,
    InvalidImage,
    InvalidInput,
    InvalidTopK,
    InvalidVector,
    ItemNotFound,
    ModelMismatch,
    SmserveError,
)
from smserve.filters import parse_filter
from smserve.gallery import LiveGallery, NewItem
from smserve.types import FieldMask, SearchRequest, SearchResult
from tests.gallery.brute_force import unit_vectors
from tests.support.pictures import draw, encode

COUNT = 40
LABELS = ("", "a", "a", "b", "c")
VECTORS = unit_vectors(COUNT, 8, seed=3)
QUERIES = unit_vectors(5, 8, seed=4)
COLOURS = ("red", "blue", "green")


@pytest.fixture(scope="module")
def engine(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    embedder, galleries = Embedder(tiny_model), {}
    for name in ("g", "h"):
        path = tmp_path_factory.mktemp("galleries") / name
        LiveGallery.create(path, model_fingerprint=embedder.fingerprint, dimension=8)
        galleries[name] = LiveGallery.open(path, compaction=None)
        new = [
            NewItem(item_id=f"i{number:02}", vector=vector, label=LABELS[number % 5], payload={"n": number, "m": "x"})
            for number, vector in enumerate(VECTORS)
        ]
        galleries[name].upsert(new[:30])
        galleries[name].compact()
        galleries[name].upsert(new[30:])
    engine = Engine(embedder, galleries)
    yield engine
    engine.close()


def allowed(request: SearchRequest) -> dict[str, float]:
    """Return every item that a request allows, by looking at all of them."""
    if request.item_id is not None:
        query = VECTORS[int(request.item_id[1:])]
    else:
        assert request.vector is not None
        query = request.vector
    scores = {f"i{number:02}": float(vector @ query) for number, vector in enumerate(VECTORS)}
    found, seen = {}, Counter[str]()
    for item_id, score in sorted(scores.items(), key=lambda each: -each[1]):
        label = LABELS[int(item_id[1:]) % 5]
        if item_id == request.item_id or (request.filter is not None and label != "a"):
            continue
        seen[label] += 1
        if label and request.max_per_label is not None and seen[label] > request.max_per_label:
            continue
        if request.min_score is None or score >= request.min_score:
            found[item_id] = score
    return found


REQUESTS = st.builds(
    lambda query, top_k, min_score, filtered, most: SearchRequest(
        vector=QUERIES[query] if query < len(QUERIES) else None,
        item_id=None if query < len(QUERIES) else f"i{(query * 3) % COUNT:02}",
        top_k=top_k,
        min_score=min_score,
        filter=parse_filter('label = "a"') if filtered else None,
        max_per_label=most,
    ),
    st.integers(0, len(QUERIES) + 6),
    st.one_of(st.integers(1, 8), st.integers(14, 18), st.integers(36, 42)),
    st.one_of(st.none(), st.floats(-1, 1)),
    st.booleans(),
    st.sampled_from([None, 1, 2, 8]),
)


@given(request=REQUESTS)
@settings(max_examples=300, deadline=None)
def test_exhausted_means_that_asking_for_more_brings_nothing(engine: Engine, request: SearchRequest) -> None:
    result = engine.search(request)
    everything = allowed(request)
    assert [hit.item_id for hit in result.hits] == list(everything)[: request.top_k]
    near_the_limit = request.min_score is not None and any(
        abs(float(vector @ np.asarray(query)) - request.min_score) < 1e-4
        for vector in VECTORS
        for query in (*QUERIES, *VECTORS)
    )
    if result.exhausted or not near_the_limit:
        assert result.exhausted == (len(everything) <= request.top_k)


def same(one: SearchResult, other: SearchResult) -> bool:
    return (one.gallery, one.generation, one.model_fingerprint, one.exhausted) == (
        other.gallery,
        other.generation,
        other.model_fingerprint,
        other.exhausted,
    ) and [(hit.item_id, hit.score, hit.label, hit.payload) for hit in one.hits] == [
        (hit.item_id, hit.score, hit.label, hit.payload) for hit in other.hits
    ]


@given(requests=st.lists(REQUESTS, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_batch_is_answered_like_its_queries_one_by_one(engine: Engine, requests: list[SearchRequest]) -> None:
    outcomes = engine.batch_search(requests)
    assert [outcome.sequence for outcome in outcomes] == list(range(len(requests)))
    for request, outcome in zip(requests, outcomes, strict=True):
        assert outcome.error is None
        assert outcome.result is not None
        assert same(outcome.result, engine.search(request))


def test_each_bad_query_has_an_error_of_its_own(engine: Engine) -> None:
    picture = encode(draw("red"))
    requests: list[SearchRequest | SmserveError] = [
        SearchRequest(image=picture, gallery="h"),
        SearchRequest(image=b"no picture"),
        SearchRequest(vector=QUERIES[0], top_k=0),
        SearchRequest(vector=QUERIES[0][:5]),
        SearchRequest(item_id="nobody"),
        SearchRequest(vector=QUERIES[0], gallery="elsewhere"),
        SearchRequest(image=picture, expected_model_fingerprint="f" * 64),
        SearchRequest(vector=QUERIES[0], min_generation=3),
        InvalidInput("could not be read"),
        SearchRequest(image=picture, fields=FieldMask(payload_keys=("n",))),
    ]
    outcomes = engine.batch_search(requests)
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        InvalidImage,
        InvalidTopK,
        InvalidVector,
        ItemNotFound,
        GalleryNotFound,
        ModelMismatch,
        GenerationMismatch,
        InvalidInput,
        type(None),
    ]
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    assert [result.gallery for result in results] == ["h", "g"]
    assert [set(hit.payload) for hit in results[1].hits] == [{"n"}] * 10


@pytest.mark.parametrize(
    ("count", "image", "problem"),
    [(0, None, "has 0 queries"), (257, None, "has 257 queries"), (65, b"x", "65 queries with a picture")],
)
def test_too_few_or_many_queries(engine: Engine, count: int, image: bytes | None, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        engine.batch_search([SearchRequest(image=image, vector=None if image else QUERIES[0])] * count)


def test_a_generation_that_is_not_there_yet(engine: Engine) -> None:
    assert engine.search(SearchRequest(vector=QUERIES[0], min_generation=2)).generation == 2
    with pytest.raises(GenerationMismatch, match="at generation 2, the caller wants 3 or newer"):
        engine.search(SearchRequest(vector=QUERIES[0], min_generation=3))
    with pytest.raises(InvalidInput, match="min_generation is -1"):
        engine.search(SearchRequest(vector=QUERIES[0], min_generation=-1))


def test_pictures_of_a_batch_are_embedded_together_and_alike_questions_are_one_search(engine: Engine) -> None:
    before = engine.stages.counts()
    pictures = [encode(draw(COLOURS[number % 3])) for number in range(20)]
    outcomes = engine.batch_search([SearchRequest(image=picture, top_k=3) for picture in pictures])
    single = engine.search(SearchRequest(image=pictures[0], top_k=3))
    after = engine.stages.counts()
    assert {stage: after[stage] - before[stage] for stage in before} == {
        Stage.DECODE: 21,
        Stage.INFERENCE: 3,  # 16 and 4 at once, and the single one
        Stage.SEARCH: 2,
    }
    assert outcomes[0].result is not None
    assert [hit.item_id for hit in outcomes[0].result.hits] == [hit.item_id for hit in single.hits]
    assert [hit.score for hit in outcomes[0].result.hits] == pytest.approx([hit.score for hit in single.hits], abs=1e-5)


def leaving_before(step: int) -> Callable[[], None]:
    """Return a caller that is gone at the `step`-th time that it is asked."""
    asked = 0

    def still_wanted() -> None:
        nonlocal asked
        asked += 1
        if asked >= step:
            raise Cancelled("gone")

    return still_wanted


@pytest.mark.parametrize("method", ["search", "batch_search"])
def test_no_step_begins_once_the_caller_is_gone(engine: Engine, method: str) -> None:
    """Wherever in the course of a call its caller leaves, exactly the steps before that were taken."""
    request = SearchRequest(image=encode(draw("red")))
    call: Any = getattr(engine, method)
    argument: Any = request if method == "search" else [request]
    taken = []
    for step in range(1, 20):
        before = engine.stages.counts()
        try:
            call(argument, leaving_before(step))
        except Cancelled:
            finished = False
        else:
            finished = True
        after = engine.stages.counts()
        taken.append("".join(stage[0] for stage in before for _ in range(after[stage] - before[stage])))
        if finished:
            break
    assert finished
    assert sorted(set(taken), key=len) == ["", "d", "di", "dis"]
    assert taken == sorted(taken, key=len)

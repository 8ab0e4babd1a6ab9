"""Each rule for a request, at and beyond its edge."""

import numpy as np
import pytest

from smserve.config import SearchLimits
from smserve.engine.validation import check_image_count, check_search, unit_vector
from smserve.errors import InvalidInput, InvalidTopK, InvalidVector
from smserve.types import SearchRequest

LIMITS = SearchLimits(max_top_k=5)


@pytest.mark.parametrize("top_k", [1, 5])
def test_top_k_within_range(top_k: int) -> None:
    check_search(SearchRequest(item_id="a", top_k=top_k), LIMITS)


@pytest.mark.parametrize("top_k", [0, -1, 6])
def test_top_k_out_of_range(top_k: int) -> None:
    with pytest.raises(InvalidTopK, match=f"top_k is {top_k}; wanted at least 1 and at most 5") as caught:
        check_search(SearchRequest(item_id="a", top_k=top_k), LIMITS)
    assert caught.value.field == "top_k"


def test_no_query() -> None:
    with pytest.raises(InvalidInput, match="got none of them"):
        check_search(SearchRequest(top_k=1), LIMITS)


def test_two_queries() -> None:
    with pytest.raises(InvalidInput, match="got image and item_id"):
        check_search(SearchRequest(image=b"x", item_id="a", top_k=1), LIMITS)


@pytest.mark.parametrize("min_score", [float("nan"), float("inf"), float("-inf")])
def test_min_score_must_be_a_number(min_score: float) -> None:
    with pytest.raises(InvalidInput, match="min_score is") as caught:
        check_search(SearchRequest(item_id="a", top_k=1, min_score=min_score), LIMITS)
    assert caught.value.field == "min_score"


def test_a_vector_is_scaled_to_unit_norm() -> None:
    assert unit_vector(np.array([3, 4], np.float32), 2) == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_extreme_lengths_are_scaled_too(scale: float) -> None:
    assert unit_vector(np.array([3 * scale, 4 * scale], np.float32), 2) == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(3, np.float32), "the vector has D=3, the model has D=2"),
        (np.ones((1, 2), np.float32), r"the vector has shape \(1, 2\), the model has D=2"),
        (np.array([1, np.nan], np.float32), "number 1 is nan"),
        (np.array([-np.inf, 1], np.float32), "number 0 is -inf"),
        (np.zeros(2, np.float32), "all zeros"),
    ],
)
def test_wrong_vectors(vector: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", message: str) -> None:
    with pytest.raises(InvalidVector, match=message) as caught:
        unit_vector(vector, 2)
    assert caught.value.field == "vector"


@pytest.mark.parametrize("count", [0, 4])
def test_image_count_out_of_range(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"the call has {count} pictures; wanted at least 1 and at most 3"):
        check_image_count(count, 3)

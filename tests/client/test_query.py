"""A query is told apart by its type."""

from pathlib import Path

import numpy as np
import pytest

from smserve.client import ItemId
from smserve.client.query import read_query
from smserve.errors import InvalidImage, InvalidInput


def test_item_ids() -> None:
    assert read_query(ItemId("cats/1.jpg"), None) == (None, None, "cats/1.jpg")
    assert read_query(None, "cats/1.jpg") == (None, None, "cats/1.jpg")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors(dtype: type[np.floating]) -> None:
    image, vector, item_id = read_query(np.array([1, 2], dtype), None)
    assert (image, item_id) == (None, None)
    assert vector is not None
    assert vector.dtype == np.float32
    assert vector.tolist() == [1, 2]


def test_a_vector_of_integers_is_refused_by_its_type() -> None:
    with pytest.raises(InvalidImage, match=r"shape \(2,\) and type int"):
        read_query(np.array([1, 2]), None)


def test_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"data")
    assert read_query(tmp_path / "a.png", None) == (b"data", None, None)


@pytest.mark.parametrize("query", ["cats/1.jpg", "nul\0byte"])
def test_a_string_that_is_no_file_mentions_item_ids(query: str) -> None:
    with pytest.raises(InvalidImage, match=r"there is no file '.*item_id=") as caught:
        read_query(query, None)
    assert caught.value.field == "image"


@pytest.mark.parametrize(("query", "item_id", "got"), [(None, None, "neither"), (b"x", "a", "both")])
def test_exactly_one(query: bytes | None, item_id: str | None, got: str) -> None:
    with pytest.raises(InvalidInput, match=f"either a query or item_id; got {got}"):
        read_query(query, item_id)

"""The one place that owns FAISS: what it leaves to its callers is handled here."""

from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, InvalidVector, SmserveError
from smserve.gallery.index import IndexChoice, VectorIndex

AXES = np.eye(4, dtype=np.float32)
QUERY = np.array([[0.8, 0.6, 0.0, 0.0]], np.float32)  # nearest to axis 0, then axis 1


def test_positions_and_cosines() -> None:
    ((positions, scores),) = VectorIndex.build(AXES).search(QUERY, 2)
    assert positions.tolist() == [0, 1]
    np.testing.assert_allclose(scores, [0.8, 0.6], atol=1e-6)


def test_more_neighbours_than_vectors() -> None:
    ((positions, _),) = VectorIndex.build(AXES).search(QUERY, 100)
    assert sorted(positions.tolist()) == [0, 1, 2, 3]


def test_masked_positions_are_not_found_and_leave_no_empty_slots() -> None:
    kept = np.array([False, True, False, True])
    (first, second) = VectorIndex.build(AXES).search(np.concatenate([QUERY, AXES[3:]]), 4, kept)
    assert first[0].tolist() == [1, 3]
    assert second[0].tolist() == [3, 1]
    ((positions, scores),) = VectorIndex.build(AXES).search(QUERY, 4, np.zeros(4, bool))
    assert (len(positions), len(scores)) == (0, 0)


@pytest.mark.parametrize("queries", [np.ones((1, 5), np.float32), np.ones((1, 0), np.float32), np.ones(4, np.float32)])
def test_another_dimension_is_our_error(queries: np.ndarray) -> None:
    with pytest.raises(InvalidVector, match="D=4"):
        VectorIndex.build(AXES).search(queries, 1)


def test_a_saved_index_gives_the_same_answers(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    built = VectorIndex.build(vectors)
    built.save(tmp_path / "index.faiss")
    loaded = VectorIndex.load(tmp_path / "index.faiss", IndexChoice())
    assert (len(loaded), loaded.dimension) == (50, 4)
    for wanted, got in zip(built.search(AXES, 7), loaded.search(AXES, 7), strict=True):
        np.testing.assert_array_equal(got[0], wanted[0])
        np.testing.assert_array_equal(got[1], wanted[1])


@pytest.mark.parametrize("content", [b"", b"IxFI", b"no index at all"])
def test_what_faiss_can_not_read_is_our_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.faiss").write_bytes(content)
    with pytest.raises(GalleryDamaged, match=r"index\.faiss"):
        VectorIndex.load(tmp_path / "index.faiss", IndexChoice())


def test_an_index_that_can_not_be_written_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SmserveError, match="can't be written"):
        VectorIndex.build(AXES).save(tmp_path / "nothing" / "index.faiss")

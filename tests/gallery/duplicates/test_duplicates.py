"""Near-duplicates: all pairs by hand on small galleries; the approximate way against the exact one."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryNotFound, InvalidInput, SmserveError
from smserve.gallery import LocalGalleryWriter, NewItem
from smserve.gallery.duplicates import near_duplicates, write_near_duplicates
from smserve.gallery.duplicates.pairs import near_pairs
from smserve.types import FloatArray
from tests.gallery.brute_force import unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL


def near(vector: FloatArray, amount: float, seed: int) -> FloatArray:
    moved = vector + amount * np.random.default_rng(seed).standard_normal(vector.shape).astype(np.float32)
    unit: FloatArray = (moved / np.linalg.norm(moved)).astype(np.float32)
    return unit


@pytest.fixture
def gallery(in_memory: Path) -> Path:
    """30 items in three labels, and near copies: two under the same label, one under another, one without a label."""
    vectors = unit_vectors(30, DIMENSION, seed=1)
    items = [NewItem(item_id=f"{n}", vector=v, label=f"l{n % 3}") for n, v in enumerate(vectors)]
    copies = [
        NewItem(item_id="same", vector=vectors[0], label="l0"),
        NewItem(item_id="nearly", vector=near(vectors[3], 0.01, 1), label="l0"),
        NewItem(item_id="across", vector=near(vectors[4], 0.02, 2), label="l2"),
        NewItem(item_id="unlabelled", vector=near(vectors[5], 0.01, 3)),
    ]
    with LocalGalleryWriter(in_memory / "g", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.upsert(items)
        writer.publish()
        writer.upsert(copies)  # searched as fresh rows
        writer.upsert([NewItem(item_id="gone", vector=vectors[0], label="l1")])
        writer.delete(["gone", "29"])
    return in_memory / "g"


def test_pairs_are_found_counted_and_ordered(gallery: Path) -> None:
    report = near_duplicates(gallery, 0.99)
    assert (report.counts.pairs, report.counts.across_labels, report.counts.is_exact) == (4, 1, True)
    pairs = [(pair.item_id, pair.other_item_id) for pair in report.listed]
    assert pairs[:2] == [("4", "across"), ("0", "same")]  # across labels first, then the nearest
    assert {*pairs[2:]} == {("3", "nearly"), ("5", "unlabelled")}
    assert (report.listed[0].label, report.listed[0].other_label) == ("l1", "l2")
    assert report.listed[1].score == pytest.approx(1)
    assert [pair.score for pair in report.listed[1:]] == sorted([p.score for p in report.listed[1:]], reverse=True)


def test_all_pairs_agree_with_nested_loops() -> None:
    vectors, labels = unit_vectors(300, 4, seed=2), np.arange(300) % 5 - 1
    found = near_pairs(vectors, labels, 0.9, most=100_000)
    wanted = {
        (i, j): bool(labels[i] != labels[j] and min(labels[i], labels[j]) >= 0)
        for i, j in itertools.combinations(range(300), 2)
        if float(vectors[i] @ vectors[j]) >= 0.9
    }
    assert (
        dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.across.tolist(), strict=True))
        == wanted
    )
    assert (found.total, found.total_across) == (len(wanted), sum(wanted.values()))
    assert found.across.tolist() == sorted(found.across.tolist(), reverse=True)


def test_few_are_listed_and_all_counted() -> None:
    vectors, labels = unit_vectors(300, 3, seed=3), np.zeros(300, np.int64)
    whole, cut = (near_pairs(vectors, labels, 0.9, most=most) for most in (100_000, 7))
    assert cut.total == whole.total > 1000
    np.testing.assert_array_equal(cut.scores, whole.scores[:7])


def test_the_approximate_way_finds_the_copies() -> None:
    vectors = unit_vectors(2000, 16, seed=4)
    vectors[1000:1200] = [near(vector, 0.005, seed) for seed, vector in enumerate(vectors[:200])]
    labels = np.zeros(2000, np.int64)
    exact, approximate = (near_pairs(vectors, labels, 0.99, most=10_000, exact_up_to=up_to) for up_to in (2000, 0))
    assert (exact.total, exact.is_exact, approximate.is_exact) == (200, True, False)
    pairs = [{*zip(each.first.tolist(), each.second.tolist(), strict=True)} for each in (exact, approximate)]
    assert pairs[1] <= pairs[0]
    assert len(pairs[1]) >= 0.97 * len(pairs[0])


def test_as_a_file(gallery: Path, in_memory: Path) -> None:
    report = near_duplicates(gallery, 0.99)
    write_near_duplicates(report, in_memory / "pairs.csv")
    with (in_memory / "pairs.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [(row["item_id"], row["other_item_id"]) for row in rows] == [
        (pair.item_id, pair.other_item_id) for pair in report.listed
    ]
    assert float(rows[0]["cosine"]) == pytest.approx(report.listed[0].score, abs=1e-6)
    with pytest.raises(SmserveError, match="can't be written"):
        write_near_duplicates(report, in_memory / "nowhere" / "pairs.csv")


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_thresholds_out_of_range(gallery: Path, threshold: float) -> None:
    with pytest.raises(InvalidInput, match="near-duplicates from a cosine of"):
        near_duplicates(gallery, threshold)


def test_no_gallery_and_an_empty_one(in_memory: Path) -> None:
    with pytest.raises(GalleryNotFound):
        near_duplicates(in_memory / "nowhere", 0.9)
    with LocalGalleryWriter(in_memory / "empty", model_fingerprint=MODEL, dimension=DIMENSION) as writer:
        writer.publish()
    assert near_duplicates(in_memory / "empty", 0.9).counts.pairs == 0

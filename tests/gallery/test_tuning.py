"""Tuning measures honestly, chooses within the limits, and what it stored is built and held to its recall."""

import contextlib
import functools
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import GalleryDamaged, GalleryNotFound, InvalidInput, RecallTooLow
from smserve.gallery import LocalGalleryWriter, NewItem
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.gallery.tuning import (
    Trial,
    TuningReport,
    chosen_index,
    gallery_vectors,
    read_choice,
    tuned_index,
    write_choice,
)
from smserve.gallery.tuning import tune as tune_with
from smserve.gallery.tuning.candidates import candidate_for, candidates_for
from smserve.gallery.tuning.choice_file import FILE_NAME
from smserve.types import FloatArray
from tests.gallery.brute_force import unit_vectors

COUNT, DIMENSION = 3000, 16
tune = functools.partial(tune_with, threads=1)  # more would spin against each other on a busy machine
FEW = ("Flat", "IVF50,Flat", "IVF50,SQ8,RFlat")


@pytest.fixture(scope="module")
def vectors() -> FloatArray:
    return unit_vectors(COUNT, DIMENSION)


@pytest.fixture(scope="module")
def report(vectors: FloatArray) -> TuningReport:
    return tune(vectors, recall=0.9, indexes=FEW, queries=200)


def test_every_index_is_measured(report: TuningReport) -> None:
    assert {trial.choice.index for trial in report.trials} == set(FEW)
    for trial in report.trials:
        assert trial.recall.queries == 200
        assert trial.recall.low >= 0.9
        assert trial.qps_1 > 0
        assert trial.qps_64 > 0
        assert trial.latency_ms > 0
        assert trial.memory_bytes > COUNT * DIMENSION


def test_the_fastest_that_fits_is_chosen(report: TuningReport) -> None:
    assert report.chosen is report.trials[0]
    assert report.chosen.qps_1 == max(trial.qps_1 for trial in report.trials)


def test_the_gentlest_setting_that_reaches_the_target(vectors: FloatArray) -> None:
    ladder = candidate_for("IVF50,Flat").ladders[0]
    trial = without_second_look(tune(vectors, recall=0.8, indexes=["IVF50,Flat"], queries=200))
    rung = ladder.index(trial.choice)
    again = without_second_look(tune(vectors, recall=0.8, indexes=["IVF50,Flat"], queries=200, seed=0))
    assert again.choice == trial.choice, "the same seed measures the same recall"
    assert 0 < rung < len(ladder) - 1
    lower = without_second_look(tune(vectors, recall=0.5, indexes=["IVF50,Flat"], queries=200))
    assert ladder.index(lower.choice) < rung


def without_second_look(report: TuningReport) -> Trial:
    (trial,) = (trial for trial in report.trials if trial.choice.far_score is None)
    return trial


def test_recall_is_that_of_brute_force_on_vectors_left_out(vectors: FloatArray) -> None:
    trials = tune(vectors, recall=0.8, indexes=["IVF50,Flat"], queries=150, seed=3).trials
    left_out = np.sort(np.random.default_rng(3).choice(COUNT, 150, replace=False))
    indexed = np.delete(vectors, left_out, axis=0)
    assert len(trials) == 4, "alone, and with three second looks"
    for trial in trials:
        index = VectorIndex.build(indexed, trial.choice, seed=3)
        shares = []
        for query in vectors[left_out]:
            truth = np.argsort(-(indexed @ query))[:10]
            ((found, _),) = index.search(query[None], 10)
            shares.append(len(set(found.tolist()) & set(truth.tolist())) / 10)
        assert trial.recall.value == pytest.approx(np.mean(shares), abs=1e-9)


def test_limits_leave_out_the_larger_index(vectors: FloatArray) -> None:
    limit = 4 * COUNT * DIMENSION + 40_000  # room for whole vectors, not for their codes beside them
    report = tune(vectors, recall=0.9, memory_bytes=limit, indexes=FEW, queries=200)
    misses = {trial.choice.index: report.limits.misses(trial) for trial in report.trials}
    assert misses == {"Flat": "", "IVF50,Flat": "", "IVF50,SQ8,RFlat": "memory"}
    assert report.chosen is not None
    assert tune(vectors, recall=0.9, latency_ms=1e-6, indexes=["Flat"]).chosen is None
    assert tune(vectors, recall=0.9, memory_bytes=1000, indexes=["Flat"]).chosen is None


def test_only_exact_search_reaches_everything(vectors: FloatArray) -> None:
    report = tune(vectors, recall=1.0, indexes=["IVF50,Flat", "Flat"], queries=100)
    assert report.chosen is not None
    assert report.chosen.choice == IndexChoice()


def test_a_small_gallery_is_searched_exactly(vectors: FloatArray) -> None:
    told: list[tuple[int, int, str]] = []
    report = tune(vectors[:500], progress=lambda done, total, index: told.append((done, total, index)))
    assert [trial.choice for trial in report.trials] == [IndexChoice()]
    assert told == [(0, 1, "Flat"), (1, 1, "")]


def test_the_handful_fits_the_gallery() -> None:
    small, large = candidates_for(100_000, 64), candidates_for(1_000_000, 64)
    assert "IVF1265,Flat" in {candidate.choice.index for candidate in small}
    assert small[0].choice == large[0].choice == IndexChoice()
    assert {"IVF4000,SQfp16", "IVF15625,SQfp16"} <= {candidate.choice.index for candidate in large}, "long lists, short"
    (huge,) = {c.choice.index for c in candidates_for(10**8, 64) if "_HNSW" in c.choice.index}
    assert huge == "IVF32768_HNSW32,SQfp16"
    odd = [candidate.choice.index for candidate in candidates_for(100_000, 33, graphs=False)]
    assert not any("HNSW" in index or "PQ" in index for index in odd)
    for candidate in (*small, *large):
        for ladder in candidate.ladders:
            assert {rung.index for rung in ladder} == {candidate.choice.index}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"recall": 0}, "recall"),
        ({"recall": 1.01}, "recall"),
        ({"memory_bytes": 0}, "memory_bytes"),
        ({"latency_ms": -1.0}, "latency_ms"),
        ({"queries": 0}, "queries"),
        ({"indexes": ["NSG16"]}, "index"),
    ],
)
def test_wrong_limits(vectors: FloatArray, wrong: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        tune(vectors, **wrong)  # type: ignore[arg-type]
    assert raised.value.field == field


def test_one_vector_is_too_few() -> None:
    with pytest.raises(InvalidInput, match="1 vectors"):
        tune(unit_vectors(1, 4))


def test_a_choice_is_stored_and_read(report: TuningReport, tmp_path: Path) -> None:
    assert read_choice(tmp_path) is None
    write_choice(tmp_path, report)
    stored = read_choice(tmp_path)
    assert stored is not None
    assert report.chosen is not None
    assert (stored.choice, stored.recall) == (report.chosen.choice, 0.9)
    assert stored.report == json.loads(json.dumps(report.to_dict()))


def test_nothing_chosen_is_not_stored(vectors: FloatArray, tmp_path: Path) -> None:
    with pytest.raises(RecallTooLow):
        write_choice(tmp_path, tune(vectors, memory_bytes=10, indexes=["Flat"]))
    assert not (tmp_path / FILE_NAME).exists()


def test_every_flipped_bit_of_a_stored_choice_is_found(report: TuningReport, tmp_path: Path) -> None:
    write_choice(tmp_path, report)
    data = (tmp_path / FILE_NAME).read_bytes()
    wanted, unseen = read_choice(tmp_path), 0
    for place in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        (tmp_path / FILE_NAME).write_bytes(flipped)
        with contextlib.suppress(GalleryDamaged):
            assert read_choice(tmp_path) == wanted, f"byte {place}"  # white space, or it would have been found
            unseen += 1
    assert unseen < len(data) / 7 / 3
    (tmp_path / FILE_NAME).write_bytes(data[: len(data) // 2])
    with pytest.raises(GalleryDamaged, match="smserve index tune"):
        read_choice(tmp_path)


def test_the_next_index_is_the_chosen_one(vectors: FloatArray, tmp_path: Path) -> None:
    build = chosen_index(tmp_path, exact_below=0)
    assert build(vectors).index.choice.index == "Flat"
    store(tmp_path, vectors, recall=0.9, index="IVF50,Flat")
    built = build(vectors)
    assert built.index.choice.index == "IVF50,Flat"
    assert built.recall["kind"] == "measured"
    assert built.recall["low"] >= 0.9
    assert len(built.index) == COUNT
    assert chosen_index(tmp_path)(vectors).index.choice.index == "Flat", "a small gallery is searched exactly"


def store(folder: Path, vectors: FloatArray, *, recall: float, index: str) -> None:
    write_choice(folder, tune(vectors, recall=recall, indexes=[index], queries=200))


def test_an_index_that_became_too_coarse_looks_harder(vectors: FloatArray, tmp_path: Path) -> None:
    clusters = np.repeat(unit_vectors(300, DIMENSION, seed=5), 10, axis=0)
    clusters += 0.05 * np.random.default_rng(0).standard_normal(clusters.shape).astype(np.float32)
    clusters /= np.linalg.norm(clusters, axis=1, keepdims=True)
    store(tmp_path, clusters, recall=0.9, index="IVF50,Flat")
    easy = chosen_index(tmp_path, exact_below=0)(clusters)
    hard = chosen_index(tmp_path, exact_below=0)(vectors)
    assert hard.recall["low"] >= 0.9
    assert (hard.index.choice.nprobe or 0) > (easy.index.choice.nprobe or 0)


def test_a_build_fails_below_the_least_recall(vectors: FloatArray, tmp_path: Path) -> None:
    store(tmp_path, vectors, recall=0.5, index="IVF50,Flat")
    assert chosen_index(tmp_path, min_recall=0.4, exact_below=0)(vectors).index.choice.index == "IVF50,Flat"
    with pytest.raises(RecallTooLow, match=r"wanted at least 0\.999.*smserve index tune"):
        chosen_index(tmp_path, min_recall=0.999, exact_below=0)(vectors)


def test_a_build_can_choose_by_itself(vectors: FloatArray, tmp_path: Path) -> None:
    assert tuned_index(tmp_path, recall=0.9)(vectors).index.choice.index == "Flat", (
        "a small gallery is searched exactly"
    )
    assert read_choice(tmp_path) is None
    built = tuned_index(tmp_path, recall=0.9, min_recall=0.9, indexes=["IVF50,Flat"], exact_below=0)(vectors)
    stored = read_choice(tmp_path)
    assert stored is not None
    assert (built.index.choice.index, stored.choice.index, stored.recall) == ("IVF50,Flat", "IVF50,Flat", 0.9)
    with pytest.raises(RecallTooLow, match=r"0\.999"):
        tuned_index(tmp_path, recall=0.5, min_recall=0.9999, indexes=["IVF50,Flat"], exact_below=0)(vectors)


def test_what_can_not_be_built_is_searched_exactly(
    report: TuningReport, vectors: FloatArray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_choice(tmp_path, report)
    (tmp_path / FILE_NAME).write_bytes(b"{}")
    with caplog.at_level(logging.ERROR):
        assert chosen_index(tmp_path, exact_below=0)(vectors).index.choice.index == "Flat"
    assert FILE_NAME in caplog.text
    store(tmp_path, vectors, recall=0.5, index="IVF50,Flat")
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        assert chosen_index(tmp_path, exact_below=0)(vectors[:20]).index.choice.index == "Flat"
    assert "50" in caplog.text


def test_the_vectors_of_a_gallery(vectors: FloatArray, tmp_path: Path) -> None:
    with pytest.raises(GalleryNotFound):
        gallery_vectors(tmp_path / "nothing")
    with LocalGalleryWriter(tmp_path / "g", model_fingerprint="a" * 64, dimension=DIMENSION) as writer:
        items = [NewItem(item_id=str(number), vector=vector) for number, vector in enumerate(vectors[:60])]
        writer.upsert(items[:50])
        writer.publish()
        np.testing.assert_array_equal(gallery_vectors(tmp_path / "g"), vectors[:50])
        writer.upsert(items[50:])
        writer.delete(["0"])
        np.testing.assert_array_equal(gallery_vectors(tmp_path / "g"), vectors[1:60])

"""What the benchmark of methods concludes, against sums done by hand; and what it does with its records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.comparing.bootstrap import paired_bootstrap
from benchmarks.comparing.contenders import BASELINES, CONTENDERS, FITTED_LEVELS, SMART_PLUS, settings_of
from benchmarks.comparing.entries import Entry, Records
from benchmarks.comparing.folds import open_arena
from benchmarks.comparing.presentation import write_figure
from benchmarks.comparing.standings import best_baselines, best_trial, cost_ratio, joined_runs, lead_over
from tests.support.pictures import write_class_folders
from training.config import override
from training.datasets import load_dataset
from training.recipes import find_recipe

BASE = override(find_recipe("photos", "folder:photos"), ["sampler.mined_share=0"])


def test_every_method_has_as_many_trials_and_embeds_as_many_pictures_a_batch() -> None:
    for name, contender in CONTENDERS.items():
        assert len(contender.trials) == 2
        configs = [settings_of(BASE, name, trial) for trial in range(2)]
        assert len({str(config) for config in configs}) == 2
        for config in configs:
            pictures = config.sampler.batch_size * (3 if config.sampler.kind == "triplets" else 1)
            assert 62 <= pictures <= 64
            assert (config.augmentation, config.resize) == (BASE.augmentation, BASE.resize)
            assert replace(config.model, pooling="own") == BASE.model
            assert (config.model.pooling == "multilevel") == (name in {FITTED_LEVELS, SMART_PLUS})
            mines = config.sampler.mined_share > 0
            assert mines == (name in {"paper", "mined_classes", "bank_and_fitted_head", SMART_PLUS})
    assert settings_of(BASE, SMART_PLUS, 0).sampler.embeddings == "bank"
    assert not {SMART_PLUS, FITTED_LEVELS} & set(BASELINES)
    assert {name for name in CONTENDERS if settings_of(BASE, name, 0).finish.head != "trained"} == {
        "fitted_head",
        FITTED_LEVELS,
        "bank_and_fitted_head",
        SMART_PLUS,
    }


def test_the_bootstrap_pairs_queries() -> None:
    first, second = "1" * 60 + "0" * 40, "1" * 50 + "0" * 50  # right wherever the second is, and on ten more
    difference, low, high = paired_bootstrap([first], [second])
    assert difference == pytest.approx(0.1)
    spread = np.sqrt(0.1 * 0.9 / 100)
    assert low == pytest.approx(0.1 - 1.96 * spread, abs=0.015)
    assert high == pytest.approx(0.1 + 1.96 * spread, abs=0.015)
    assert paired_bootstrap([first], [first]) == (0, 0, 0)


def test_the_bootstrap_takes_the_mean_over_seeds() -> None:
    difference, low, high = paired_bootstrap(["10" * 20, "01" * 20], ["0" * 40])
    assert (difference, low, high) == (0.5, 0.5, 0.5)  # each query hits in one of the two runs


def test_the_cost_is_interpolated_between_the_shares_tried() -> None:
    assert cost_ratio(0.5, {1 / 2: 0.4, 1.0: 0.6}) == pytest.approx(0.75)
    assert cost_ratio(0.4, {1 / 2: 0.4, 1.0: 0.6}) == 1 / 2
    assert cost_ratio(0.1, {1 / 2: 0.4, 1.0: 0.6}) == 1 / 2  # below the smallest share nothing is claimed
    assert cost_ratio(0.7, {1 / 2: 0.4, 1.0: 0.6}) is None


def record(fold: str, seed: int, hits: str) -> dict[str, object]:
    costs = {"embedded_pictures": 100, "trained_pictures": 60, "seconds": 2.0}
    return {"fold": fold, "seed": seed, "hits": hits, "recall_at_1": hits.count("1") / len(hits), **costs}


def test_a_run_is_whole_once_all_its_folds_are() -> None:
    records = [record("1", 0, "10"), record("0", 0, "0111"), record("0", 1, "0000")]
    (joined,) = joined_runs(records, ["0", "1"])
    assert joined == {
        "seed": 0,
        "hits": "011110",
        "recall_at_1": 4 / 6,
        "embedded_pictures": 200,
        "trained_pictures": 120,
        "seconds": 4.0,
    }
    assert joined_runs(records[1:], ["0", "1"]) == []


def test_the_best_trial_and_the_best_baseline() -> None:
    trials = [{"trial": trial, "recall_at_1": recall} for trial, recall in enumerate((0.3, 0.5, 0.5, 0.1))]
    assert best_trial(trials) == 1
    runs = {
        "margin": [{"recall_at_1": 0.4, "hits": "11000"}],
        "xbm": [{"recall_at_1": 0.2, "hits": "10000"}],
        SMART_PLUS: [{"recall_at_1": 0.8, "hits": "11110"}],
    }
    assert best_baselines(runs)[0] == "margin"
    assert best_baselines({SMART_PLUS: runs[SMART_PLUS]}) == []
    assert lead_over(runs, "margin").difference == pytest.approx(0.4)


def test_a_run_is_known_by_its_settings_and_pictures(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "photos", per_class=3)
    data = load_dataset(f"folder:{tmp_path / 'photos'}", tmp_path)
    entry = Entry(told={"method": "margin"}, config=BASE, dataset=data)
    records = Records(tmp_path / "cache" / "records.jsonl")
    assert records.find(entry) is None
    records.add({"key": entry.key, "hits": "01"})
    with (tmp_path / "cache" / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"key": "cut o')
    again = Records(tmp_path / "cache" / "records.jsonl")
    assert again.find(entry) == {"key": entry.key, "hits": "01", "method": "margin"}
    later = replace(entry, config=replace(BASE, guards=replace(BASE.guards, on=False)))
    assert again.find(later) is not None
    assert again.find(replace(entry, config=replace(BASE, seed=1))) is None
    again.add({"key": "another"})  # on a line of its own
    assert Records(tmp_path / "cache" / "records.jsonl").find(entry) is not None
    assert (tmp_path / "cache" / "records.jsonl").read_text(encoding="utf-8").endswith('\n{"key": "another"}\n')


def test_photos_are_tested_once_each_and_asked_across_visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["path,label,role"]
    for label in range(12):
        lines += [f"{label}-{role}-{number}.jpg,{label},{role}" for role in ("query", "gallery") for number in (0, 1)]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("SMSERVE_PHOTOS", str(tmp_path))
    arena = open_arena("photos", tmp_path)
    tested: list[str] = []
    for fold in arena.folds:
        final, tuning = fold.final, fold.tuning
        tested += final.test.class_names
        assert all("query" in name for name in final.test.ids)
        assert final.gallery is not None
        assert all("gallery" in name for name in final.gallery.ids)
        learnt, held, new = (set(part.class_names) for part in (final.train, tuning.test, final.test))
        assert not learnt & held
        assert not (learnt | held) & new
        assert held == set(final.validation.class_names)
    assert sorted(tested) == sorted(str(label) for label in range(12))


def test_a_small_arena_has_few_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"{label}-{role}-{number}.jpg,{label},{role}"
        for label in range(12)
        for role in ("query", "gallery")
        for number in range(6)
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,role", *lines]), encoding="utf-8")
    monkeypatch.setenv("SMSERVE_PHOTOS", str(tmp_path))
    whole, small = (open_arena("photos", tmp_path, small=small) for small in (False, True))
    assert (len(whole.folds), len(small.folds)) == (3, 1)
    assert small.pictures < whole.pictures
    for name, pictures in small.folds[0].final.splits.items():
        assert set(np.bincount(pictures.labels)) == {4}
        assert set(pictures.ids) < set(whole.folds[0].final.splits[name].ids)


def test_photos_that_are_not_there_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMSERVE_PHOTOS", raising=False)
    with pytest.raises(SystemExit, match=r"SMSERVE_PHOTOS is not set; wanted a folder with labels.csv"):
        open_arena("photos", tmp_path)


def test_the_figure_shows_each_seed_of_each_method_of_each_data_set(tmp_path: Path) -> None:
    runs = [
        {"fold": "", "seed": seed, "recall_at_1": recall, "embedded_pictures": 90, "trained_pictures": 90, "seconds": 9}
        | {"hits": "1" * round(10 * recall) + "0" * round(10 - 10 * recall), "curve": [[50, 5, 0.2], [90, 9, recall]]}
        for seed, recall in enumerate((0.4, 0.6))
    ]
    finals = {"emoji": {"margin": runs, SMART_PLUS: runs[:1]}, "photos": {"xbm": [{**runs[0], "curve": []}]}}
    figure = tmp_path / "methods.svg"
    write_figure(figure, finals)
    drawn = figure.read_text()
    for text in ("emoji: Recall@1, %", "photos: Recall@1, %", *(CONTENDERS[n].title for n in ("margin", "xbm"))):
        assert text in drawn
    assert CONTENDERS["batch_hard"].title not in drawn
    write_figure(figure, finals)
    assert figure.read_text() == drawn

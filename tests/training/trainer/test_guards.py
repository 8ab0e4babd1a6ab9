"""Guards against collapsed embeddings made by hand, and against runs that collapse."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from tests.training.tiny import classes_config, paper_config
from tests.training.trainer.running import run
from training.config import GuardsConfig, TrainConfig
from training.datasets import Dataset
from training.trainer import RunFolder
from training.trainer.guards import CollapsedRun, Guards, Watch, highest_by_chance, mean_cosine
from training.trainer.tally import EpochOutcome, Tally

pytestmark = pytest.mark.usefixtures("tiny_runs")
MANY = np.repeat(np.arange(50), 4)


def outcome(active: int) -> EpochOutcome:
    return Tally(active=active, looked_at=100, steps=1).outcome()


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    embeddings = normalize(torch.randn(7, 5, generator=torch.Generator().manual_seed(0)))
    pairs = [float(embeddings[one] @ embeddings[other]) for one in range(7) for other in range(7) if one != other]
    assert mean_cosine(embeddings).item() == pytest.approx(np.mean(pairs), abs=1e-6)
    assert mean_cosine(embeddings[:1]).item() == pytest.approx(0, abs=1e-6)


def test_chance_is_what_random_embeddings_reach() -> None:
    highest = highest_by_chance(MANY)
    assert highest is not None
    assert 3 / 199 < highest < 0.06
    random = np.random.default_rng(0)
    nearest = (np.arange(200) + random.integers(1, 200, (1000, 200))) % 200  # any other picture
    recalls = (MANY[nearest] == MANY).mean(1)
    assert recalls.mean() == pytest.approx(3 / 199, rel=0.05)
    assert 0.98 < (recalls <= highest).mean() < 1


@pytest.mark.parametrize("labels", [[], [0, 1, 2], np.repeat([0, 1], 8).tolist()])
def test_chance_says_nothing_of_few_classes(labels: list[int]) -> None:
    assert highest_by_chance(np.array(labels, np.int64)) is None


def test_one_point_for_many_steps_in_a_row() -> None:
    config = replace(paper_config(), guards=GuardsConfig(cosine=0.9, steps=3))
    guards = Guards(config, Watch())
    for cosine in (0.95, 0.95, 0.5, 0.95, 0.95):
        guards.after_step(1.0, cosine, "epoch 1, step 1 of 9")
    with pytest.raises(
        CollapsedRun,
        match=r"one point at epoch 2, step 6 of 9: for 3 steps .* above 0.9, now 0.9512; lower "
        r"optimizer.learning_rate \(now 0.03\), or let more epochs be random first \(sampler.random_epochs, now 2\), "
        r"or begin with a larger kappa \(controller.start, now from the data\)",
    ):
        guards.after_step(1.0, 0.9512, "epoch 2, step 6 of 9")


def test_the_watch_goes_on_after_an_interruption() -> None:
    config = replace(paper_config(), guards=GuardsConfig(steps=3))
    before = Watch()
    for _ in range(2):
        Guards(config, before).after_step(1.0, 1.0, "before")
    with pytest.raises(CollapsedRun, match="one point"):
        Guards(config, Watch.from_state(before.state())).after_step(1.0, 1.0, "after")


def test_an_active_share_that_stays_at_one_after_the_random_epochs() -> None:
    guards = Guards(paper_config(), Watch())  # two random epochs
    for epoch, active in enumerate((100, 100, 100, 80, 99), start=1):
        guards.after_epoch(epoch, outcome(active), None)
    with pytest.raises(CollapsedRun, match=r"active share is 1.0000 in epoch 6, and was 0.99 or more in the last 2;"):
        guards.after_epoch(6, outcome(100), None)


def test_recall_that_falls_to_chance() -> None:
    guards = Guards(replace(classes_config()), Watch(), MANY)
    for epoch, recall in enumerate((0.02, 0.3, 0.5, 0.01), start=1):
        guards.after_epoch(epoch, outcome(50), recall)
    with pytest.raises(
        CollapsedRun, match=r"Recall@1 on the validation classes is 0.0200 after epoch 5, .* draw fewer mined classes"
    ):
        guards.after_epoch(5, outcome(50), 0.02)


def test_guards_that_are_off_stop_only_at_what_is_no_number() -> None:
    config = replace(paper_config(), guards=GuardsConfig(on=False, steps=1, epochs=1))
    guards = Guards(config, Watch(), MANY)
    guards.after_step(1.0, 1.0, "here")
    guards.after_epoch(9, outcome(100), 0.0)
    with pytest.raises(CollapsedRun, match="the loss is nan at here; lower"):
        guards.after_step(float("nan"), 0.0, "here")


def collapsing(config: TrainConfig, rate: float) -> TrainConfig:
    return replace(config, optimizer=replace(config.optimizer, learning_rate=rate))


@pytest.mark.parametrize(("kind", "rate"), [("triplets", 1000.0), ("classes", 10.0), ("classes", 1000.0)])
def test_a_learning_rate_that_is_far_too_high_ends_the_run(
    kind: str, rate: float, hues: Dataset, tmp_path: Path
) -> None:
    config = collapsing(paper_config() if kind == "triplets" else classes_config(), rate)
    config = replace(config, guards=GuardsConfig(steps=10))
    with pytest.raises(CollapsedRun, match=rf"epoch \d.*lower optimizer.learning_rate \(now {rate}\)"):
        run(config, hues, tmp_path / "run")
    assert RunFolder(tmp_path / "run").evaluation() is None


@pytest.mark.parametrize("config", [paper_config(), classes_config()], ids=["triplets", "classes"])
def test_a_sound_run_is_left_alone(config: TrainConfig, hues: Dataset, tmp_path: Path) -> None:
    config = replace(config, epochs=4)
    run(config, hues, tmp_path / "guarded")
    off = replace(config, guards=replace(config.guards, on=False))
    run(off, hues, tmp_path / "off")
    guarded, unguarded = (RunFolder(tmp_path / name).epochs() for name in ("guarded", "off"))
    assert [line["loss"] for line in guarded] == [line["loss"] for line in unguarded]
    assert all(line["mean_cosine"] < 0.99 for line in guarded)


def test_a_run_that_was_stopped_goes_on_without_guards(hues: Dataset, tmp_path: Path) -> None:
    config = replace(paper_config(), epochs=3, guards=GuardsConfig(active_share=0.01, epochs=1))
    with pytest.raises(CollapsedRun, match=r"in epoch 3, and was 0.01 or more in the last 1;"):
        run(config, hues, tmp_path / "run")
    assert [line["epoch"] for line in RunFolder(tmp_path / "run").epochs()] == [1, 2, 3]
    assert len(RunFolder(tmp_path / "run").checkpoints.kept()) == 2  # those from before
    run(replace(config, guards=GuardsConfig(on=False)), hues, tmp_path / "run", resume=True)
    assert RunFolder(tmp_path / "run").evaluation() is not None

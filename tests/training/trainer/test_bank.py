"""The bank against a dictionary; and runs that mine from it against runs that embed the training set anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from smserve.errors import InvalidInput
from tests.training.tiny import TinyBackbone, classes_config, paper_config
from tests.training.trainer.running import Interrupted, InterruptingBar, run, weights_of
from training.config import AugmentationConfig, TrainConfig
from training.datasets import Dataset
from training.model import BACKBONES
from training.neighbours import nearest_neighbours
from training.samplers import Plan
from training.trainer import RunFolder
from training.trainer.bank import EmbeddingBank
from training.trainer.preparation import Preparation

pytestmark = pytest.mark.usefixtures("tiny_runs")
CPU = torch.device("cpu")


def banked(config: TrainConfig, random_epochs: int = 1) -> TrainConfig:
    return replace(config, sampler=replace(config.sampler, embeddings="bank", random_epochs=random_epochs))


def test_it_holds_the_latest_embedding_of_each_picture() -> None:
    random = np.random.default_rng(0)
    bank, latest = EmbeddingBank(20, 3, CPU), dict[int, torch.Tensor]()
    for epoch in range(1, 6):
        indices = random.permutation(20)[:6]
        embeddings = torch.from_numpy(random.normal(size=(6, 3)).astype(np.float32))
        bank.store(indices, embeddings, epoch)
        latest.update(zip(indices.tolist(), embeddings, strict=True))
    assert bank.missing().tolist() == sorted(set(range(20)) - latest.keys())
    for index, embedding in latest.items():
        assert torch.equal(bank.embeddings()[index], embedding)
    assert bank.share_since(5) == 6 / 20
    assert bank.share_since(1) == len(latest) / 20


def test_what_it_holds_does_not_change_with_the_network() -> None:
    bank, weight = EmbeddingBank(2, 2, CPU), torch.ones(2, 2, requires_grad=True)
    bank.store(np.array([0, 1]), 2 * weight, 1)
    held = bank.embeddings()
    with torch.no_grad():
        weight += 1
    bank.store(np.array([0]), 2 * weight[:1], 2)
    assert not held.requires_grad
    assert held.tolist() == [[2, 2], [2, 2]]
    assert bank.embeddings().tolist() == [[4, 4], [2, 2]]


def test_it_comes_back_from_a_checkpoint() -> None:
    bank = EmbeddingBank(4, 2, CPU)
    bank.store(np.array([2, 0]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]), 3)
    again = EmbeddingBank(4, 2, CPU)
    again.restore(bank.state())
    assert torch.equal(again.embeddings(), bank.embeddings())
    assert (again.missing().tolist(), again.share_since(3)) == ([1, 3], 0.5)
    with pytest.raises(ValueError, match=r"its bank has shape \(4, 2\), this run's \(5, 2\)"):
        EmbeddingBank(5, 2, CPU).restore(bank.state())


class StillBackbone(TinyBackbone):
    """It embeds a picture in training as it does in evaluation."""

    def __init__(self, weights: str) -> None:
        super().__init__(weights)
        self.drop.p = 0.0


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """Nothing moves: steps too small to be seen, pictures as they are, frozen batch norms."""
    monkeypatch.setitem(BACKBONES, "still", StillBackbone)
    config = classes_config()
    return replace(
        config,
        model=replace(config.model, backbone="still", freeze_batch_norm=True),
        epochs=3,
        augmentation=AugmentationConfig(flip=0),
        sampler=replace(config.sampler, random_epochs=1, mined_share=0.8),
        optimizer=replace(config.optimizer, learning_rate=1e-12),
    )


def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that runs make from now on."""
    plans = []
    prepare = Preparation.prepare

    def kept(*args: object, **settings: object) -> object:
        prepared = prepare(*args, **settings)  # type: ignore[arg-type] # handed through
        plans.append(prepared.plan)
        return prepared

    monkeypatch.setattr(Preparation, "prepare", kept)
    return plans


def test_where_nothing_moves_the_bank_gives_the_batches_of_a_pass(
    still: TrainConfig, hues: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = planned(monkeypatch)
    run(still, hues, tmp_path / "pass")
    by_pass = plans.copy()
    plans.clear()
    run(banked(still), hues, tmp_path / "bank")
    assert len(plans) == len(by_pass) == 3
    for one, other in zip(plans, by_pass, strict=True):
        assert [batch.indices.tolist() for batch in one.batches] == [batch.indices.tolist() for batch in other.batches]
    assert plans[1].figures["mined_share"] > 0.3
    costs = [[line["embedded_pictures"] for line in RunFolder(tmp_path / name).epochs()] for name in ("pass", "bank")]
    trained = sum(len(batch.indices) for plan in plans for batch in plan.batches)
    assert costs[0][-1] == trained + 2 * 80
    assert costs[1][-1] <= trained + 80  # no picture is embedded twice for mining
    assert costs[1][-1] - costs[1][-2] == sum(len(batch.indices) for batch in plans[2].batches)  # 0 extra


def test_no_picture_is_its_own_neighbour() -> None:
    bank = EmbeddingBank(6, 2, CPU)
    for epoch in (1, 2):  # twice the same picture: the earlier embedding is no neighbour of the later
        bank.store(np.arange(6), torch.nn.functional.normalize(torch.randn(6, 2)), epoch)
    indices, _ = nearest_neighbours(bank.embeddings(), 5)
    for picture, found in enumerate(indices.tolist()):
        assert sorted(found) == [other for other in range(6) if other != picture]


@pytest.mark.parametrize("config", [banked(paper_config()), banked(classes_config(), 0)], ids=["triplets", "classes"])
@pytest.mark.parametrize("steps", [None, 3])
def test_a_run_that_goes_on_has_the_bank_that_it_had(
    config: TrainConfig, steps: int | None, hues: Dataset, tmp_path: Path
) -> None:
    checkpoint = replace(config.checkpoint, every_steps=2)
    config = replace(config, epochs=4, checkpoint=checkpoint)
    expected = run(config, hues, tmp_path / "whole")
    stop = (
        InterruptingBar(after_epochs=2)
        if steps is None
        else InterruptingBar(after_steps=43 if config.sampler.kind == "triplets" else 11)
    )
    with pytest.raises(Interrupted):
        run(config, hues, tmp_path / "run", bar=stop)
    assert run(config, hues, tmp_path / "run", resume=True) == expected
    whole = weights_of(tmp_path / "whole")
    assert all(torch.equal(whole[name], weight) for name, weight in weights_of(tmp_path / "run").items())


def test_another_runs_bank_is_refused(hues: Dataset, tmp_path: Path) -> None:
    config = replace(banked(classes_config()), epochs=1)
    run(config, hues, tmp_path / "run")
    document = RunFolder(tmp_path / "run").checkpoints.load()
    assert document["bank"]["embeddings"].shape == (80, 16)
    document["bank"]["embeddings"] = document["bank"]["embeddings"][:-1]
    with pytest.raises(ValueError, match="its bank has shape"):
        EmbeddingBank(80, 16, CPU).restore(document["bank"])


def test_a_target_that_needs_a_pass_is_refused() -> None:
    controller = replace(paper_config().controller, kind="validation_error")
    with pytest.raises(InvalidInput, match=r"sampler.embeddings is bank; wanted pass with controller.kind"):
        replace(banked(paper_config()), controller=controller)

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from smserve.images import ResizeRule
from tests.training.tiny import SIDE, classes_config, draw_hue, paper_config
from tests.training.trainer.running import silent_bar
from training.config import AugmentationConfig, TrainConfig
from training.evaluation import LabelledPixels
from training.losses import Objective
from training.mining import all_triplets
from training.model import EmbeddingNet, build_model
from training.pixel_store import PixelStore
from training.samplers import Batch, Plan, build_sampler
from training.trainer.bank import EmbeddingBank
from training.trainer.epoch import EpochOutcome, Learner
from training.trainer.guards import CollapsedRun
from training.trainer.optimizer import build_optimizer

pytestmark = pytest.mark.usefixtures("tiny_runs")
LABELS = np.repeat(np.arange(8), 4)
PIXELS = np.stack([np.asarray(draw_hue(3 * int(label), seed)) for seed, label in enumerate(LABELS)])
STILL = AugmentationConfig(flip=0)
WHOLE = ResizeRule(size=SIDE, height=SIDE, width=SIDE)


def network(config: TrainConfig) -> EmbeddingNet:
    """The tiny network without its dropout, so that a batch can be computed again."""
    torch.manual_seed(0)
    net = build_model(config.model)
    dropout = net.backbone.get_submodule("drop")
    assert isinstance(dropout, nn.Dropout)
    dropout.p = 0
    return net


def loss_of(config: TrainConfig) -> Objective:
    return Objective(config.loss, classes=8, dimension=config.model.dimension)


def epoch(net: EmbeddingNet, plan: Plan, config: TrainConfig, device: str = "cpu", embedded: int = 0) -> EpochOutcome:
    net.to(device)
    objective = loss_of(config).to(device)
    learner = Learner(
        net=net,
        objective=objective,
        optimizer=build_optimizer(net, objective, config),
        data=LabelledPixels(pixels=PixelStore(PIXELS, torch.device(device)), labels=LABELS),
        config=config,
        bar=silent_bar(),
    )
    return learner.train(plan, 1, embedded=embedded, shown={})


def unmoved(config: TrainConfig) -> TrainConfig:
    """Steps too small to be seen, pictures as they are."""
    optimizer = replace(config.optimizer, learning_rate=1e-12, warmup_steps=0)
    return replace(config, resize=WHOLE, augmentation=STILL, optimizer=optimizer)


def cost(net: EmbeddingNet, config: TrainConfig, batch: Batch) -> tuple[float, torch.Tensor]:
    labels = torch.from_numpy(LABELS[batch.indices])
    triplets = None if batch.triplets is None else torch.from_numpy(batch.triplets)
    if triplets is None and config.loss.pair == "triplet_ratio":
        triplets = all_triplets(labels)
    value = loss_of(config)(net.train()(torch.from_numpy(PIXELS[batch.indices])), labels, triplets)
    return value.total.item(), value.active


@pytest.mark.parametrize("pair", ["triplet_ratio", "multi_similarity"])
def test_an_epoch_of_classes_is_the_mean_of_its_batches(pair: str) -> None:
    config = unmoved(classes_config())
    config = replace(config, loss=replace(config.loss, pair=pair))  # type: ignore[arg-type] # one of the literals
    net = network(config)
    plan = build_sampler(config.sampler, LABELS).plan(None, 0, np.random.default_rng(0))
    costs, active = zip(*(cost(net, config, batch) for batch in plan.batches), strict=True)
    outcome = epoch(net, plan, config)
    assert outcome.loss == pytest.approx(np.mean(costs), abs=1e-5)
    assert outcome.loss == pytest.approx(outcome.pair_loss + outcome.global_loss)
    assert outcome.active_share == pytest.approx(torch.cat(active).float().mean().item(), abs=1e-5)
    assert outcome.mined_active_share is None
    assert outcome.pictures == sum(len(batch.indices) for batch in plan.batches)


def test_active_shares_of_all_triplets_and_of_mined_ones() -> None:
    config = unmoved(paper_config())
    net = network(config)
    triplets = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0], [3, 2, 1]])
    mined = np.array([True, False, True, False])
    batch = Batch(indices=np.array([0, 1, 8, 9]), triplets=triplets, mined=mined)
    expected, active = cost(net, config, batch)
    outcome = epoch(net, Plan(batches=[batch]), config)
    assert outcome.loss == pytest.approx(expected, abs=1e-5)
    assert outcome.active_share == active.float().mean()
    assert outcome.mined_active_share == active[[0, 2]].float().mean()
    unmined = Batch(indices=batch.indices, triplets=triplets, mined=np.zeros(4, np.bool_))
    assert epoch(net, Plan(batches=[unmined]), config).mined_active_share is None


@pytest.mark.parametrize("pair", ["triplet_ratio", "multi_similarity"])
def test_the_active_share_of_mined_classes(pair: str) -> None:
    """Against the same loss: of its triplets or pairs, those whose anchor is of a class that was drawn."""
    config = unmoved(classes_config())
    config = replace(config, loss=replace(config.loss, pair=pair))  # type: ignore[arg-type] # one of the literals
    net = network(config)
    drawn = np.array([False] * 4 + [True] * 4 + [False] * 4)
    batch = Batch(indices=np.arange(12), mined=drawn)
    _, active = cost(net, config, batch)
    labels = LABELS[:12]
    anchors = [
        anchor
        for anchor in range(12)
        for positive in range(12)
        if anchor != positive and labels[anchor] == labels[positive]
        for _ in range(8 if pair == "triplet_ratio" else 1)  # negatives
    ]
    outcome = epoch(net, Plan(batches=[batch]), config)
    expected = [bool(costs) for costs, anchor in zip(active, anchors, strict=True) if drawn[anchor]]
    assert outcome.mined_active_share == pytest.approx(np.mean(expected), abs=1e-5)
    assert outcome.active_share == pytest.approx(active.float().mean().item(), abs=1e-5)


def test_a_bank_keeps_what_the_batches_embed() -> None:
    config = unmoved(classes_config())
    net = network(config).train()
    batches = [Batch(indices=np.array(indices)) for indices in ([0, 1, 4, 5], [2, 1, 8, 9])]
    bank = EmbeddingBank(len(LABELS), config.model.dimension, torch.device("cpu"))
    objective = loss_of(config)
    learner = Learner(
        net=net,
        objective=objective,
        optimizer=build_optimizer(net, objective, config),
        data=LabelledPixels(pixels=PixelStore(PIXELS, torch.device("cpu")), labels=LABELS),
        config=config,
        bar=silent_bar(),
        bank=bank,
    )
    learner.train(Plan(batches=batches), 3, embedded=0, shown={})
    for batch in batches:
        expected = net(torch.from_numpy(PIXELS[batch.indices]))
        assert torch.allclose(bank.embeddings()[batch.indices], expected, atol=1e-5)
    assert bank.missing().tolist() == sorted(set(range(32)) - {0, 1, 2, 4, 5, 8, 9})


def test_the_budget_of_pictures_ends_an_epoch_early() -> None:
    config = replace(paper_config(), resize=WHOLE, max_pictures=100)
    batches = [Batch(indices=np.arange(20), triplets=np.array([[0, 1, 4]]), mined=np.zeros(1, np.bool_))] * 5
    outcome = epoch(network(config), Plan(batches=batches), config, embedded=50)
    assert (outcome.steps, outcome.pictures) == (3, 60)  # the step that reaches 100 is the last


def test_steps_lower_the_loss() -> None:
    config = replace(paper_config(), resize=WHOLE)
    net = network(config)
    plan = build_sampler(config.sampler, LABELS).plan(None, 0, np.random.default_rng(0))
    first = epoch(net, plan, config)
    assert epoch(net, plan, config).loss < first.loss


def test_a_loss_that_is_no_number_is_named() -> None:
    config = replace(paper_config(), resize=WHOLE)
    net = network(config)
    net.head.get_parameter("weight").data.fill_(torch.nan)
    plan = build_sampler(config.sampler, LABELS).plan(None, 0, np.random.default_rng(0))
    with pytest.raises(CollapsedRun, match=r"the loss is nan at epoch 1, step 1 of 8; lower optimizer.learning_rate"):
        epoch(net, plan, config)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("config", [paper_config(), classes_config()], ids=["triplets", "classes"])
def test_cuda_trains_as_the_cpu_does(config: TrainConfig) -> None:
    plan = build_sampler(config.sampler, LABELS).plan(None, 0, np.random.default_rng(0))
    plan = Plan(batches=plan.batches[:2])
    cpu, cuda = (epoch(network(config), plan, config, device) for device in ("cpu", "cuda"))
    assert cuda.loss == pytest.approx(cpu.loss, abs=1e-3)
    assert cuda.active_share == pytest.approx(cpu.active_share, abs=0.02)

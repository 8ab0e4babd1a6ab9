import math
from typing import Any

import pytest
import torch

from smserve.images import ResizeRule
from training.config import LossConfig, ModelConfig, OptimizerConfig, TrainConfig
from training.losses import Objective
from training.model import EmbeddingNet, build_model
from training.trainer.optimizer import build_optimizer, set_learning_rate

pytestmark = pytest.mark.usefixtures("tiny_runs")


def network(frozen_blocks: int = 0) -> EmbeddingNet:
    return build_model(ModelConfig(backbone="tiny", dimension=6, frozen_blocks=frozen_blocks))


def whole(config: OptimizerConfig, loss: LossConfig | None = None) -> TrainConfig:
    return TrainConfig(
        recipe="tiny",
        resize=ResizeRule(size=8, height=8, width=8),
        model=ModelConfig(backbone="tiny", dimension=6),
        loss=loss or LossConfig(),
        optimizer=config,
    )


def build(net: EmbeddingNet, config: TrainConfig) -> torch.optim.Optimizer:
    return build_optimizer(net, Objective(config.loss, classes=5, dimension=6), config)


def rates(settings: OptimizerConfig, places: list[tuple[int, int]]) -> list[float]:
    """Learning rates at (step, epoch) of a run of 100 steps."""
    config = whole(settings)
    optimizer = build(network(), config)
    return [set_learning_rate(optimizer, config, step=step, progress=step / 100, epoch=epoch) for step, epoch in places]


def test_halved_every_three_epochs() -> None:
    places = [(0, epoch) for epoch in (1, 3, 4, 6, 7, 20)]
    assert rates(OptimizerConfig(), places) == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.1 / 64])


def test_cosine_to_zero_after_a_warmup() -> None:
    config = OptimizerConfig(kind="adamw", learning_rate=0.4, schedule="cosine", warmup_steps=4)
    expected = [0.1, 0.1 * (1 + math.cos(0.01 * math.pi)), 0.2, 0.2 * (1 + math.cos(0.99 * math.pi))]
    found = rates(config, [(0, 1), (1, 1), (50, 3), (99, 6)])
    assert found == pytest.approx(expected)


def test_the_head_learns_ten_times_as_fast() -> None:
    net = network()
    config = whole(OptimizerConfig())
    optimizer = build(net, config)
    set_learning_rate(optimizer, config, step=0, progress=0, epoch=4)
    of_head = [group for group in optimizer.param_groups if any(each is net.head.weight for each in group["params"])]
    assert [group["lr"] for group in of_head] == [0.5]
    assert {group["lr"] for group in optimizer.param_groups} == {0.05, 0.5}


def test_all_that_is_not_frozen_is_moved_once() -> None:
    for net in (network(), network(frozen_blocks=1)):
        moved = [weight for group in build(net, whole(OptimizerConfig())).param_groups for weight in group["params"]]
        wanted = [weight for weight in net.parameters() if weight.requires_grad]
        assert sorted(map(id, moved)) == sorted(map(id, wanted))


@pytest.mark.parametrize(("kind", "of_scales"), [("sgd", 5e-4), ("adamw", 0.0)])
def test_weight_decay(kind: Any, of_scales: float) -> None:
    net = network()
    optimizer = build(net, whole(OptimizerConfig(kind=kind)))
    decay = {id(weight): group["weight_decay"] for group in optimizer.param_groups for weight in group["params"]}
    assert decay[id(net.backbone.get_parameter("first.weight"))] == 5e-4
    assert decay[id(net.backbone.get_parameter("norm.weight"))] == of_scales
    assert decay[id(net.head.get_parameter("weight"))] == 5e-4


def test_sgd_has_momentum() -> None:
    (group, *_) = build(network(), whole(OptimizerConfig())).param_groups
    assert group["momentum"] == 0.9
    assert isinstance(build(network(), whole(OptimizerConfig(kind="adamw"))), torch.optim.AdamW)


def test_what_a_loss_learns_is_moved_at_its_own_rate_without_decay() -> None:
    loss = LossConfig(pair="proxy_anchor", parameter_factor=7)
    config = whole(OptimizerConfig(learning_rate=0.5, weight_decay=0.1), loss)
    objective = Objective(config.loss, classes=5, dimension=6)
    group = build_optimizer(network(), objective, config).param_groups[-1]
    assert [id(each) for each in group["params"]] == [id(each) for each in objective.parameters()]
    assert (group["lr"], group["weight_decay"]) == (3.5, 0)

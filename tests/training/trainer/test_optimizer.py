import math
from typing import Any

import pytest
import torch

from training.config import ModelConfig, OptimizerConfig
from training.model import EmbeddingNet, build_model
from training.trainer.optimizer import build_optimizer, set_learning_rate

pytestmark = pytest.mark.usefixtures("tiny_runs")


def network(frozen_blocks: int = 0) -> EmbeddingNet:
    return build_model(ModelConfig(backbone="tiny", dimension=6, frozen_blocks=frozen_blocks))


def rates(config: OptimizerConfig, places: list[tuple[int, int]]) -> list[float]:
    """Learning rates at (step, epoch) of a run of 100 steps."""
    optimizer = build_optimizer(network(), config)
    return [set_learning_rate(optimizer, config, step=step, steps=100, epoch=epoch) for step, epoch in places]


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
    config = OptimizerConfig()
    optimizer = build_optimizer(net, config)
    set_learning_rate(optimizer, config, step=0, steps=10, epoch=4)
    of_head = [group for group in optimizer.param_groups if any(each is net.head.weight for each in group["params"])]
    assert [group["lr"] for group in of_head] == [0.5]
    assert {group["lr"] for group in optimizer.param_groups} == {0.05, 0.5}


def test_all_that_is_not_frozen_is_moved_once() -> None:
    for net in (network(), network(frozen_blocks=1)):
        moved = [weight for group in build_optimizer(net, OptimizerConfig()).param_groups for weight in group["params"]]
        wanted = [weight for weight in net.parameters() if weight.requires_grad]
        assert sorted(map(id, moved)) == sorted(map(id, wanted))


@pytest.mark.parametrize(("kind", "of_scales"), [("sgd", 5e-4), ("adamw", 0.0)])
def test_weight_decay(kind: Any, of_scales: float) -> None:
    net = network()
    optimizer = build_optimizer(net, OptimizerConfig(kind=kind))
    decay = {id(weight): group["weight_decay"] for group in optimizer.param_groups for weight in group["params"]}
    assert decay[id(net.backbone.get_parameter("first.weight"))] == 5e-4
    assert decay[id(net.backbone.get_parameter("norm.weight"))] == of_scales
    assert decay[id(net.head.get_parameter("weight"))] == 5e-4


def test_sgd_has_momentum() -> None:
    (group, *_) = build_optimizer(network(), OptimizerConfig()).param_groups
    assert group["momentum"] == 0.9
    assert isinstance(build_optimizer(network(), OptimizerConfig(kind="adamw")), torch.optim.AdamW)

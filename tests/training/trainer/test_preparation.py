"""What comes before an epoch, on the tiny network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.tiny import draw_hue, paper_config
from tests.training.trainer.running import silent_bar
from training.config import ControllerConfig, TrainConfig
from training.evaluation import LabelledPixels, embed_pictures
from training.losses.triplet_ratio import triplet_distances
from training.model import EmbeddingNet, build_model
from training.pixel_store import PixelStore
from training.trainer.preparation import Preparation

pytestmark = pytest.mark.usefixtures("tiny_runs")
LABELS = np.repeat(np.arange(8), 5)
DATA = LabelledPixels(
    pixels=PixelStore(
        np.stack([np.asarray(draw_hue(3 * int(label), seed)) for seed, label in enumerate(LABELS)]),
        torch.device("cpu"),
    ),
    labels=LABELS,
)
CONFIG = replace(paper_config(), sampler=replace(paper_config().sampler, random_epochs=1, list_length=20))
BY_VALIDATION = replace(CONFIG, controller=ControllerConfig(kind="validation_error", held_out_share=0.2))


def network(config: TrainConfig) -> EmbeddingNet:
    torch.manual_seed(0)
    return build_model(config.model)


def test_a_random_epoch_embeds_nothing() -> None:
    prepared = Preparation(CONFIG, DATA, silent_bar()).prepare(network(CONFIG), 1, None)
    assert (prepared.controller, prepared.embedded, prepared.mining_s) == (None, 0, None)


@pytest.mark.parametrize("neighbours", ["exact", "graph"])
def test_a_mined_epoch_embeds_all_and_begins_at_the_datas_kappa(neighbours: str) -> None:
    config = replace(CONFIG, sampler=replace(CONFIG.sampler, neighbours=neighbours))  # type: ignore[arg-type] # a literal
    prepared = Preparation(config, DATA, silent_bar()).prepare(network(config), 2, None)
    assert prepared.controller is not None
    assert prepared.controller.value in {64, 16, 4, 2, 1}
    assert prepared.embedded == 40
    assert prepared.figures.keys() >= {"embedding_s", "neighbours_s", "selection_s"}
    assert ("graph_recall" in prepared.figures) == (neighbours == "graph")
    if neighbours == "graph":
        assert prepared.figures["graph_walk_success"] >= 0.98
        assert prepared.figures["graph_recall"] > 0.9


def test_held_out_pictures_are_in_no_batch() -> None:
    preparation = Preparation(BY_VALIDATION, DATA, silent_bar())
    net = network(BY_VALIDATION)
    used = set()
    for epoch in (1, 2):
        for batch in preparation.prepare(net, epoch, None).plan.batches:
            assert batch.triplets is not None
            labels = LABELS[batch.indices[batch.triplets]]  # (T, 3)
            assert (labels[:, 0] == labels[:, 1]).all()
            assert (labels[:, 0] != labels[:, 2]).all()
            used.update(batch.indices.tolist())
    assert len(used) == 32  # of 40, a fifth held out


def test_the_validation_error_is_the_active_share_of_held_out_anchors() -> None:
    """Against an oracle: held-out pictures mine among the others by hand, kappa 1, one triplet an anchor."""
    config = replace(BY_VALIDATION, sampler=replace(BY_VALIDATION.sampler, per_anchor=1))
    preparation = Preparation(config, DATA, silent_bar())
    net = network(config)
    used = {index for batch in preparation.prepare(net, 1, None).plan.batches for index in batch.indices.tolist()}
    error, passed = preparation.validation_error(net, 1, 1.0)
    assert passed == 40
    embeddings = embed_pictures(net, DATA.pixels, config.resize)
    cost, sure = 0, 0
    for anchor in sorted(set(range(40)) - used):
        order = sorted(used, key=lambda other: float((embeddings[anchor] - embeddings[other]).square().sum()))[:20]
        labels = [LABELS[each] for each in order]
        if LABELS[anchor] not in labels:
            continue
        rest = order[labels.index(LABELS[anchor]) + 1 :]
        negatives = [each for each in rest if LABELS[each] != LABELS[anchor]]
        farther = [each for each in rest[rest.index(negatives[0]) :] if LABELS[each] == LABELS[anchor]]
        if farther:  # else the positive is random
            triplet = torch.tensor([[anchor, farther[0], negatives[0]]])
            positive, negative = triplet_distances(embeddings, triplet)
            sure += 1
            cost += int(negative < positive + 0.2)
    assert sure >= 4
    assert cost / 8 <= error <= (cost + 8 - sure) / 8


def test_the_next_epoch_uses_what_the_validation_error_embedded() -> None:
    net = network(BY_VALIDATION)
    fresh = Preparation(BY_VALIDATION, DATA, silent_bar())
    first = fresh.prepare(net, 2, None)
    assert first.controller is not None
    fresh.validation_error(net, 2, first.controller.value)
    second = fresh.prepare(net, 3, first.controller)
    assert (first.embedded, second.embedded) == (40, 0)
    resumed = Preparation(BY_VALIDATION, DATA, silent_bar()).prepare(net, 3, first.controller)
    assert resumed.embedded == 0  # counted before the interruption
    for one, other in zip(second.plan.batches, resumed.plan.batches, strict=True):
        np.testing.assert_array_equal(one.indices, other.indices)

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.tiny import SIDE, classes_config, draw_hue, paper_config
from training.config import TrainConfig
from training.evaluation import LabelledPixels
from training.model import build_model
from training.pixel_store import PixelStore
from training.samplers import Batch, build_sampler
from training.trainer.batches import BatchMaker, ReadyBatch

pytestmark = pytest.mark.usefixtures("tiny_runs")
LABELS = np.repeat(np.arange(8), 4)
PIXELS = np.stack([np.asarray(draw_hue(3 * int(label), seed)) for seed, label in enumerate(LABELS)])


def maker(config: TrainConfig, *, needs_triplets: bool = False) -> BatchMaker:
    data = LabelledPixels(pixels=PixelStore(PIXELS, torch.device("cpu")), labels=LABELS)
    return BatchMaker(net=build_model(config.model), data=data, config=config, needs_triplets=needs_triplets)


def batches_of(config: TrainConfig) -> list[Batch]:
    return list(build_sampler(config.sampler, LABELS).plan(None, 0, np.random.default_rng(0)).batches)


def same(first: ReadyBatch, second: ReadyBatch) -> bool:
    return torch.equal(first.images, second.images) and torch.equal(first.labels, second.labels)


@pytest.mark.parametrize("config", [paper_config(), classes_config()], ids=["triplets", "classes"])
def test_what_comes_from_the_thread_is_what_was_asked_for(config: TrainConfig) -> None:
    batches = batches_of(config)
    made = maker(config)
    threads = torch.get_num_threads()
    with made.ready(batches, epoch=3, start=0) as ready:
        whole = list(ready)
    assert torch.get_num_threads() == threads
    assert [each.plan for each in whole] == batches
    for step, each in enumerate(whole):
        assert same(each, made.make(step, batches[step], epoch=3))
        assert each.images.dtype == torch.float32
        assert not each.images.requires_grad
        assert (each.triplets is None) == (config.sampler.kind == "classes")
    with made.ready(batches, epoch=3, start=2) as ready:
        assert all(same(a, b) for a, b in zip(ready, whole[2:], strict=True))
    assert not same(made.make(0, batches[0], epoch=4), whole[0])


def test_from_a_step_on_pictures_come_as_a_server_shows_them() -> None:
    config = replace(classes_config(), resize=replace(classes_config().resize, height=SIDE - 4, width=SIDE - 2))
    batches = batches_of(config)
    made = maker(config)
    with made.ready(batches, epoch=1, start=0, plain_from=2) as ready:
        whole = list(ready)
    for step, each in enumerate(whole):
        plain = made.net.normalise(torch.from_numpy(PIXELS[each.plan.indices][:, 2:-2, 1:-1]))
        assert torch.equal(each.images, plain) == (step >= 2)


def test_pixels_that_are_normalised_beforehand_are_what_the_network_makes_of_pictures() -> None:
    config = classes_config()
    net = build_model(replace(config.model, input_size=SIDE + 5)).eval()
    pixels = torch.from_numpy(PIXELS)
    assert torch.equal(net(net.normalise(pixels)), net(pixels))


def test_all_triplets_where_the_loss_wants_them() -> None:
    config = classes_config()
    ready = maker(config, needs_triplets=True).make(0, Batch(indices=np.array([0, 1, 4, 5])), epoch=1)
    assert ready.triplets is not None
    assert len(ready.triplets) == 8


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with maker(paper_config()).ready(batches_of(paper_config()), epoch=1, start=0) as ready:
        next(iter(ready))
    assert threading.active_count() == before


def test_what_goes_wrong_in_the_thread_is_raised_here() -> None:
    wrong = [Batch(indices=np.array([0, 999]))]
    with maker(classes_config()).ready(wrong, epoch=1, start=0) as ready, pytest.raises(IndexError, match="999"):
        next(iter(ready))

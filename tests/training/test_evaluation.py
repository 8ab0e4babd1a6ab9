from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from smserve.images import ResizeRule, prepare
from tests.training.tiny import SIDE, draw_hue
from training.config import ModelConfig
from training.evaluation import LabelledPixels, embed_pictures, evaluate
from training.model import EmbeddingNet, build_model
from training.pixel_store import PixelStore

pytestmark = pytest.mark.usefixtures("tiny_runs")
CPU = torch.device("cpu")
RULE = ResizeRule(size=SIDE, height=SIDE - 4, width=SIDE - 6)


@pytest.fixture
def net() -> EmbeddingNet:
    torch.manual_seed(0)
    return build_model(ModelConfig(backbone="tiny", dimension=6))


def labelled(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> LabelledPixels:
    return LabelledPixels(pixels=PixelStore(pixels, CPU), labels=labels)


def test_it_sees_what_a_server_would_show(net: EmbeddingNet, tmp_path: Path) -> None:
    images = [draw_hue(number, 0) for number in range(5)]
    shown = []
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.png")
        shown.append(prepare((tmp_path / f"{number}.png").read_bytes(), RULE))
    found = embed_pictures(net.train(), PixelStore(np.stack([np.asarray(image) for image in images]), CPU), RULE)
    assert not net.training
    with torch.inference_mode():
        assert torch.allclose(found, net(torch.from_numpy(np.stack(shown))), atol=1e-6)


def test_batches_join_in_order_and_are_told(net: EmbeddingNet) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, SIDE, SIDE, 3), np.uint8)
    pixels.flags.writeable = False  # as a map of decoded pictures is
    told: list[int] = []
    found = embed_pictures(net, PixelStore(pixels, CPU), RULE, told.append)
    assert (found.shape, told) == ((300, 6), [128, 128, 44])
    assert torch.allclose(found[290:], embed_pictures(net, PixelStore(pixels[290:], CPU), RULE), atol=1e-6)


def test_figures_of_pictures_that_are_the_same_within_a_class(net: EmbeddingNet) -> None:
    pixels = np.stack([np.asarray(draw_hue(4 * number, 0)) for number in range(4)]).repeat(3, 0)
    figures = evaluate(net, labelled(pixels, np.arange(4).repeat(3)), RULE, ks=(1, 2))
    assert figures.keys() == {"recall_at_1", "recall_at_2", "map_at_r", "nmi", "pictures", "classes"}
    assert (figures["recall_at_1"], figures["map_at_r"]) == (1, 1)
    assert (figures["pictures"], figures["classes"]) == (12, 4)


def test_queries_ask_a_gallery_of_their_own(net: EmbeddingNet) -> None:
    pixels = np.stack([np.asarray(draw_hue(4 * number, 0)) for number in range(4)])
    queries = labelled(pixels, np.arange(4))
    same = labelled(pixels.repeat(2, 0), np.arange(4).repeat(2))
    figures = evaluate(net, queries, RULE, gallery=same, ks=(1, 5))
    assert (figures["recall_at_1"], figures["recall_at_5"], figures["map_at_r"]) == (1, 1, 1)
    assert (figures["pictures"], figures["gallery_pictures"]) == (4, 8)
    foreign = labelled(pixels.repeat(2, 0), np.roll(np.arange(4).repeat(2), 2))  # each picture is of the next class
    assert evaluate(net, queries, RULE, gallery=foreign, ks=(1,))["recall_at_1"] == 0

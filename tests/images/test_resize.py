"""The resize rule against sums that one can do by hand."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from smserve.images import Picture, ResizeMode, ResizeRule, crop_center, make_thumbnail, prepare, resize_stage
from tests.support.pictures import draw, encode


def test_squash_keeps_every_part() -> None:
    """Left half black, right half white: still so after the proportions changed."""
    image = Image.new("RGB", (200, 50))
    image.paste((255, 255, 255), (100, 0, 200, 50))
    square = resize_stage(Picture.whole(image), ResizeRule(mode="squash", size=20, height=20, width=20))
    assert square.shape == (20, 20, 3)
    assert square[:, :9].max() == 0
    assert square[:, 11:].min() == 255


def test_shortest_side_cuts_the_ends_of_the_longer_one() -> None:
    """Thirds black, white, black at 3:1: the centre square is all white."""
    image = Image.new("RGB", (300, 100))
    image.paste((255, 255, 255), (100, 0, 200, 100))
    square = resize_stage(Picture.whole(image), ResizeRule(mode="shortest_side", size=50, height=50, width=50))
    assert square.shape == (50, 50, 3)
    assert square[:, 2:-2].min() == 255


@pytest.mark.parametrize("size", [(1, 500_000), (500_000, 1)])
@pytest.mark.parametrize("mode", ["squash", "shortest_side"])
def test_a_long_strip_costs_no_more_than_a_square(size: tuple[int, int], mode: ResizeMode) -> None:
    tracemalloc.start()
    square = resize_stage(
        Picture.whole(Image.new("RGB", size, (9, 8, 7))), ResizeRule(mode=mode, size=64, height=64, width=64)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert square.shape == (64, 64, 3)
    assert (square == (9, 8, 7)).all()
    assert peak < 1_000_000


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (64, 200), (332, 64)])
def test_the_central_square_is_what_a_crop_before_the_resize_leaves(size: tuple[int, int]) -> None:
    """To within what resampling sees beyond the edge of the crop."""
    random = np.random.default_rng(0)
    smooth = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    cropped = smooth.crop((left, top, left + side, top + side))
    rule = ResizeRule(mode="shortest_side", size=32, height=32, width=32)
    wanted = np.asarray(cropped.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(resize_stage(Picture.whole(smooth), rule).astype(int) - wanted).mean() < 0.5


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    image = draw("red", size=(16, 16))
    rule = ResizeRule(mode="shortest_side", size=16, height=16, width=16)
    np.testing.assert_array_equal(prepare(encode(image), rule), np.asarray(image))


@pytest.mark.parametrize("width", [40, 41, 47, 80])
@pytest.mark.parametrize("height", [32, 33, 39])
def test_cropping_in_two_steps_is_cropping_in_one(width: int, height: int) -> None:
    """Training caches the square and crops it; the server crops at once."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    for crop in (16, 24, 32):
        two_steps = crop_center(crop_center(pixels, 32, 32), crop, crop)
        np.testing.assert_array_equal(two_steps, crop_center(pixels, crop, crop))


def test_prepare_is_the_stage_and_the_crop() -> None:
    image = draw("blue", size=(90, 61))
    rule = ResizeRule(mode="shortest_side", size=32, height=24, width=20)
    got = prepare(encode(image), rule)
    np.testing.assert_array_equal(got, resize_stage(Picture.whole(image), rule)[4:28, 6:26])
    assert got.flags.c_contiguous


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "stretch", "size": 8, "height": 8, "width": 8}, "'stretch'"),
        ({"size": 8, "height": 9, "width": 8}, "height 9"),
        ({"size": 8, "height": 8, "width": 7}, "even"),
        ({"size": 8, "height": 0, "width": 8}, "height 0"),
        ({"size": 8, "height": 8, "width": 8, "decoding": "half"}, "'half'"),
        ({"size": 100_000, "height": 8, "width": 8}, "8192"),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResizeRule(**settings)  # type: ignore[arg-type] # wrong on purpose


def test_a_rule_survives_json() -> None:
    rule = ResizeRule(mode="shortest_side", size=256, height=224, width=200)
    assert ResizeRule(**rule.to_dict()) == rule
    reduced = replace(rule, decoding="reduced")
    assert ResizeRule(**reduced.to_dict()) == reduced


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape() -> None:
    image = draw("yellow", size=(640, 320))
    data = make_thumbnail(image, 160)
    assert data.startswith(b"\xff\xd8")
    assert prepare(data, ResizeRule(size=160, height=160, width=160)).shape == (160, 160, 3)
    assert image.size == (640, 320)

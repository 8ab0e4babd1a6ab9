"""Large JPEGs decoded at a fraction: which one, that it is the same picture, and that nothing else changes."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images import ResizeMode, ResizeRule, decode, decode_for, jpeg_reduction, make_thumbnail, prepare
from smserve.images.reduction import upright_box
from tests.support.pictures import draw, encode, scene

FULL = ResizeRule(mode="shortest_side", size=90, height=90, width=90)
REDUCED = replace(FULL, decoding="reduced")

MEAN_WITHIN, ALL_WITHIN = 0.5, 5  # of 255; measured on these pictures: up to 0.35 and 3
MEAN_WITHIN_AT_422 = 1.5  # libjpeg smooths its colours another way at a fraction: 1.04, at most 7


@cache
def photo(size: tuple[int, int]) -> Image.Image:
    return scene(size)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(
    ("size", "shorter", "reduction"),
    [
        (200, 200, 1),
        (200, 599, 1),
        (200, 600, 2),
        (200, 1199, 2),
        (200, 1200, 4),
        (200, 2399, 4),
        (200, 2400, 8),
        (200, 9999, 8),
        (201, 602, 1),
        (201, 603, 2),  # 301.5 each
        (16, 319, 1),  # thumbnails want 160
        (16, 320, 2),
        (16, 1280, 8),
    ],
)
@pytest.mark.parametrize("mode", ["squash", "shortest_side"])
def test_the_shorter_side_decides_and_stays_longer_than_it_is_resized_to(
    mode: ResizeMode, size: int, shorter: int, reduction: int
) -> None:
    rule = ResizeRule(mode=mode, size=size, height=size, width=size, decoding="reduced")
    assert jpeg_reduction(rule, shorter, 3 * shorter) == reduction
    assert jpeg_reduction(rule, 3 * shorter, shorter) == reduction
    assert jpeg_reduction(replace(rule, decoding="full"), shorter, shorter) == 1


@pytest.mark.parametrize(
    ("side", "decoded"), [(319, 319), (320, 160), (321, 161), (641, 161), (1281, 161), (1287, 161)]
)
def test_pixels_are_computed_at_the_fraction(side: int, decoded: int) -> None:
    data = encode(photo((side, side)), "JPEG")
    picture = decode_for(data, REDUCED)
    assert picture.image.size == (decoded, decoded)
    reduction = jpeg_reduction(REDUCED, side, side)
    assert picture.box == (0, 0, side / reduction, side / reduction)


@pytest.mark.parametrize("mode", ["squash", "shortest_side"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(725, 1001), (1450, 1445)])
def test_it_is_the_same_picture_whichever_way_it_was_taken(
    size: tuple[int, int], orientation: int, mode: ResizeMode
) -> None:
    """Sides that no fraction divides: to lose a part of a pixel would shift all of them."""
    data = encode(photo(size), "JPEG", quality=90, exif=turned(orientation))
    assert_alike(data, replace(REDUCED, mode=mode))


def test_the_part_of_a_pixel_matters() -> None:
    """What the bound above would let through were it wider."""
    data = encode(photo((1450, 1441)), "JPEG", quality=90)
    picture = decode_for(data, REDUCED)
    shifted = np.asarray(picture.image.resize((90, 90), Image.Resampling.BILINEAR)).astype(int)
    whole = prepare(data, replace(FULL, mode="squash")).astype(int)
    assert np.abs(shifted - whole).mean() > 2 * MEAN_WITHIN


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("baseline", "RGB", {}),
        ("progressive", "RGB", {"progressive": True}),
        ("4:4:4", "RGB", {"subsampling": "4:4:4"}),
        ("restart markers", "RGB", {"restart_marker_rows": 1}),
        ("RGB without conversion", "RGB", {"keep_rgb": True}),
        ("grey", "L", {}),
        ("grey progressive", "L", {"progressive": True}),
        ("CMYK", "CMYK", {}),
        ("CMYK turned", "CMYK", {"exif": turned(6)}),
    ],
)
def test_every_kind_of_jpeg(kind: str, mode: str, options: dict[str, Any]) -> None:
    data = encode(photo((725, 1001)).convert(mode), "JPEG", quality=90, **options)
    assert decode_for(data, REDUCED).image.mode == "RGB"
    assert_alike(data, REDUCED)


def test_colours_of_half_the_width() -> None:
    data = encode(photo((725, 1001)), "JPEG", quality=90, subsampling="4:2:2")
    assert difference(data, REDUCED).mean() < MEAN_WITHIN_AT_422


def test_a_phones_jpeg_with_a_preview() -> None:
    data = encode(photo((725, 1001)), "MPO", save_all=True, append_images=[draw("blue")], quality=90)
    assert decode_for(data, REDUCED).image.size == (182, 251)
    assert_alike(data, REDUCED)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_other_formats_stay_whole(format: str) -> None:
    data = encode(photo((725, 1001)), format)
    np.testing.assert_array_equal(prepare(data, REDUCED), prepare(data, FULL))
    assert decode_for(data, REDUCED).image.size == (725, 1001)


def test_a_small_jpeg_is_what_it_was() -> None:
    data = encode(photo((300, 200)), "JPEG")
    np.testing.assert_array_equal(prepare(data, REDUCED), prepare(data, FULL))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_truncated_jpeg_is_an_error_at_any_fraction(keep: float, progressive: bool) -> None:
    data = encode(photo((725, 1001)), "JPEG", progressive=progressive)
    for rule in (FULL, REDUCED):
        with pytest.raises(InvalidImage, match="damaged or cut short"):
            decode_for(data[: int(len(data) * keep)], rule)


def test_what_is_damaged_at_full_size_is_damaged_at_a_fraction() -> None:
    random = np.random.default_rng(0)
    sound = encode(photo((725, 725)), "JPEG", quality=60)
    refused = 0
    for _ in range(150):
        data = bytearray(sound)
        for position in random.integers(2, len(data), 4):
            data[position] ^= 1 << int(random.integers(8))
        whole, reduced = (readable(bytes(data), rule) for rule in (FULL, REDUCED))
        assert whole == reduced
        refused += not whole
    assert 0 < refused < 150


def test_limits_hold_for_the_picture_as_stored() -> None:
    data = encode(photo((725, 725)), "JPEG")
    with pytest.raises(InvalidImage, match="725 x 725 = 525,625 pixels"):
        decode_for(data, REDUCED, ImageLimits(max_pixels=525_624))


def test_thumbnails_are_as_large_as_those_of_the_whole() -> None:
    data = encode(photo((1300, 1700)), "JPEG")
    tiny = ResizeRule(size=8, height=8, width=8, decoding="reduced")
    reduced, whole = (decode(make_thumbnail(image)) for image in (decode_for(data, tiny).image, decode(data)))
    assert reduced.size == whole.size == (122, 160)
    assert np.abs(np.asarray(reduced).astype(int) - np.asarray(whole)).mean() < 4  # sharper: 2.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_box_lies_where_turning_brings_it(orientation: int) -> None:
    """A white picture of which the last column and row, as stored, are black is turned by Pillow itself."""
    stored = Image.new("L", (13, 9), 0)
    stored.paste(255, (0, 0, 12, 8))
    wanted = decode(encode(stored, exif=turned(orientation))).convert("L").getbbox()
    left, top, right, bottom = upright_box((12 * 8 + 1, 8 * 8 + 1), 8, orientation)
    assert (round(left), round(top), round(right), round(bottom)) == wanted
    assert {right - left, bottom - top} == {12.125, 8.125}


def difference(data: bytes, rule: ResizeRule) -> NDArray[np.int64]:
    assert jpeg_reduction(rule, *decode(data).size) > 1, "nothing was reduced"
    reduced, full = (prepare(data, each).astype(np.int64) for each in (rule, replace(rule, decoding="full")))
    return np.asarray(np.abs(reduced - full))


def assert_alike(data: bytes, rule: ResizeRule) -> None:
    assert difference(data, rule).mean() < MEAN_WITHIN
    assert difference(data, rule).max() <= ALL_WITHIN


def readable(data: bytes, rule: ResizeRule) -> bool:
    try:
        decode_for(data, rule)
    except InvalidImage:
        return False
    return True

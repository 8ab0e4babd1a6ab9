"""Boxes, and what they cut out."""

import pytest
from PIL import Image

from smserve.errors import InvalidImage, InvalidInput
from smserve.images import decode
from smserve.ui.cropping import Box, crop
from tests.support.pictures import encode


def test_the_part_is_cut_out() -> None:
    image = Image.new("RGB", (10, 20), "white")
    image.paste("red", (5, 10, 10, 20))
    part = decode(crop(encode(image), Box(left=0.5, top=0.5, right=1, bottom=1)))
    assert part.size == (5, 10)
    assert part.getcolors() == [(50, (255, 0, 0))]


def test_the_part_is_of_the_upright_picture() -> None:
    image = Image.new("RGB", (10, 20), "white")
    image.paste("red", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    part = decode(crop(encode(image, exif=exif), Box(left=0, top=0.5, right=1, bottom=1)))
    assert part.getcolors() == [(100, (255, 0, 0))]


def test_the_smallest_part_has_a_pixel() -> None:
    picture = encode(Image.new("RGB", (10, 20), "white"))
    assert decode(crop(picture, Box(left=0.99, top=0.99, right=1, bottom=1))).size == (1, 1)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(InvalidImage):
        crop(b"nothing", Box(left=0, top=0, right=0.5, bottom=1))


@pytest.mark.parametrize("text", ["", "0,0,1,1"])
def test_the_whole_picture_is_no_box(text: str) -> None:
    assert Box.from_text(text) is None


@pytest.mark.parametrize("text", ["1", "a,b,c,d", "0,0,1", "0.5,0,0.5,1", "0,0,1.5,1", "nan,0,1,1", "-0.1,0,1,1"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="the part to search with"):
        Box.from_text(text)

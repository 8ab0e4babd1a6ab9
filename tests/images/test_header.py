"""Limits are checked from the header, before a pixel is decoded."""

import tracemalloc

import pytest
from PIL import Image

from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images import decode, read_header
from tests.support.hostile import huge_png
from tests.support.pictures import draw, encode


@pytest.mark.parametrize(("format", "name"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WebP")])
def test_header_names_format_and_size(format: str, name: str) -> None:
    header = read_header(encode(draw("red", size=(31, 17)), format))
    assert (header.format, header.width, header.height) == (name, 31, 17)


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused_whatever_pillow_can_read(format: str) -> None:
    with pytest.raises(InvalidImage, match="no JPEG, PNG or WebP"):
        decode(encode(draw("red"), format))


@pytest.mark.parametrize(
    "data", [b"x", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP", b"hello world"]
)
def test_a_few_bytes_are_no_picture(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode(data)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(InvalidImage, match="empty"):
        decode(b"")


def test_a_170_megapixel_png_is_refused_without_decoding_it() -> None:
    data = huge_png(17_000, 10_000)
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(InvalidImage, match=r"17000 x 10000 = 170,000,000 pixels, more than the limit of 50,000,000"):
        decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_the_pixel_limit_is_inclusive() -> None:
    data = encode(draw("blue", size=(20, 10)))
    assert decode(data, ImageLimits(max_pixels=200)).size == (20, 10)
    with pytest.raises(InvalidImage, match="more than the limit of 199"):
        decode(data, ImageLimits(max_pixels=199))


def test_the_byte_limit_names_both_numbers() -> None:
    data = encode(draw("blue"))
    with pytest.raises(InvalidImage, match=f"{len(data):,} bytes, more than the limit of 100"):
        decode(data, ImageLimits(max_bytes=100))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_animations_are_refused(format: str) -> None:
    frames = [draw(color) for color in ("red", "green", "blue")]
    data = encode(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidImage, match="animated"):
        decode(data)


def test_a_jpeg_with_a_preview_inside_is_one_picture() -> None:
    """Phones write MPO: a JPEG whose file holds further pictures."""
    first, preview = Image.new("RGB", (40, 30), (200, 10, 10)), Image.new("RGB", (20, 15), (10, 10, 200))
    data = encode(first, "MPO", save_all=True, append_images=[preview])
    picture = decode(data)
    assert picture.size == (40, 30)
    red, _, blue = picture.getpixel((20, 15))  # type: ignore[misc] # Pillow types a pixel as any shape
    assert red > 150
    assert blue < 100

"""Whatever mode a picture is stored in, decoding gives upright RGB."""

import numpy as np
import pytest
from PIL import Image

from smserve.errors import InvalidImage
from smserve.images import decode
from tests.support.pictures import draw, encode


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(decode(data))


def test_rgb_png_is_kept_to_the_bit() -> None:
    image = draw("green")
    np.testing.assert_array_equal(pixels_of(encode(image)), np.asarray(image))


def test_grayscale_becomes_three_equal_channels() -> None:
    gray = draw("green").convert("L")
    np.testing.assert_array_equal(pixels_of(encode(gray)), np.asarray(gray)[..., None].repeat(3, axis=2))


def test_transparency_is_composited_on_white() -> None:
    image = Image.new("RGBA", (3, 1))
    image.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (255, 0, 0, 128)])
    np.testing.assert_array_equal(pixels_of(encode(image))[0], [[255, 0, 0], [255, 255, 255], [255, 127, 127]])


def test_a_transparent_palette_is_composited_too() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 255, 255, 0, 0])
    image.putdata([0, 1])
    np.testing.assert_array_equal(pixels_of(encode(image, transparency=0))[0], [[255, 255, 255], [255, 0, 0]])


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    levels = np.array([[0, 257 * 10, 257 * 128, 65535]], np.uint16)
    np.testing.assert_array_equal(pixels_of(encode(Image.fromarray(levels)))[0, :, 0], [0, 10, 128, 255])


def test_one_bit_and_cmyk_become_rgb() -> None:
    assert pixels_of(encode(draw("red").convert("1"))).shape == (40, 48, 3)
    assert pixels_of(encode(draw("red").convert("CMYK"), "JPEG")).shape == (40, 48, 3)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_exif_orientation_is_applied(orientation: int, corner: tuple[int, int]) -> None:
    image = Image.new("RGB", (32, 16), (255, 255, 255))
    image.paste((255, 0, 0), (0, 0, 8, 8))  # top left as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = pixels_of(encode(image, "JPEG", exif=exif, quality=95))
    assert upright.shape[:2] == ((16, 32) if orientation in {1, 3} else (32, 16))
    red, green, _ = upright[corner].astype(int)
    assert red > 200
    assert green < 80


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_truncated_picture_is_an_error(format: str, keep: float) -> None:
    data = encode(draw("red", size=(200, 160)), format)
    with pytest.raises(InvalidImage):
        decode(data[: int(len(data) * keep)])


def test_flipped_bytes_give_a_picture_or_our_error() -> None:
    random = np.random.default_rng(0)
    for format in ("JPEG", "PNG", "WEBP"):
        original = encode(draw("purple"), format)
        refused = 0
        for _ in range(60):
            data = bytearray(original)
            for position in random.integers(0, len(data), 3):
                data[position] ^= 1 << int(random.integers(8))
            try:
                assert decode(bytes(data)).mode == "RGB"
            except InvalidImage:
                refused += 1
        assert refused > 0

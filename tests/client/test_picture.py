"""Every way to hold a picture becomes bytes that the server reads as the same picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smserve.client.picture import encode_picture
from smserve.config import ImageLimits
from smserve.errors import InvalidImage
from smserve.images import decode
from tests.support.pictures import draw, encode

RED = draw("red")


def same(data: bytes, image: Image.Image) -> bool:
    return bool(np.array_equal(np.asarray(decode(data)), np.asarray(image)))


def test_files_and_bytes_go_as_they_are(tmp_path: Path) -> None:
    data = encode(RED, "JPEG")
    path = tmp_path / "red.jpg"
    path.write_bytes(data)
    assert encode_picture(path, "image") == data
    assert encode_picture(str(path), "image") == data
    assert encode_picture(data, "image") == data


def test_images_and_arrays_arrive_without_loss() -> None:
    assert same(encode_picture(RED, "image"), RED)
    assert same(encode_picture(np.asarray(RED), "image"), RED)
    assert same(encode_picture(np.asarray(RED)[:, ::-1], "image"), RED.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "HSV", "F"])
def test_every_mode_can_be_sent(mode: str) -> None:
    image = RED.convert("L").convert(mode) if mode in {"LA", "F"} else RED.convert(mode)
    assert decode(encode_picture(image, "image")).size == RED.size


def test_exif_orientation_is_carried_out_as_for_a_file() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    with Image.open(io.BytesIO(encode(RED, "JPEG", exif=exif, quality=95))) as image:
        assert decode(encode_picture(image, "image")).size == (RED.height, RED.width)


def test_a_large_image_is_sent_as_jpeg_and_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
    data = encode_picture(noise, "image")
    assert data.startswith(b"\xff\xd8\xff")
    assert len(data) < ImageLimits().max_bytes
    rgba = Image.new("RGBA", (2000, 2000), (255, 0, 0, 0))
    assert decode(encode_picture(rgba, "image")).getpixel((0, 0)) == (255, 255, 255)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InvalidImage, match=r"there is no file 'nowhere\.jpg'; check the path") as caught:
        encode_picture("nowhere.jpg", "image")
    assert caught.value.field == "image"


def test_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    with path.open("wb") as file:
        file.truncate(ImageLimits().max_bytes + 1)
    with pytest.raises(InvalidImage, match="bytes, more than the limit of"):
        encode_picture(path, "image")
    with pytest.raises(InvalidImage, match="bytes, more than the limit of"):
        encode_picture(bytes(ImageLimits().max_bytes + 1), "image")


def test_an_image_over_the_pixel_limit_is_not_encoded() -> None:
    with pytest.raises(InvalidImage, match="10000 x 6000 = 60,000,000 pixels"):
        encode_picture(Image.new("1", (10_000, 6_000)), "image")


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        7,
        None,
        "nul\0byte",
    ],
)
def test_what_is_no_picture(wrong: Any) -> None:
    with pytest.raises(InvalidImage):
        encode_picture(wrong, "image")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match="can't be read"):
        encode_picture(tmp_path, "image")


def test_a_damaged_lazy_image(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(encode(RED)[:-2000])
    with Image.open(path) as image, pytest.raises(InvalidImage, match="can't be encoded"):
        encode_picture(image, "image")

"""The parts that a match rests on are those that two pictures have in common."""

from pathlib import Path

import numpy as np
from PIL import Image

from smserve.client import Client, ItemId
from smserve.images import decode
from smserve.indexing import build_gallery, pictures_in
from smserve.server import open_engine
from smserve.ui.question import Side
from smserve.ui.similarity import similarity_maps
from tests.support.pictures import encode
from tests.support.running import running_server
from tests.support.tiny_model import write_tiny_model

GROUND = (178, 178, 178)  # the model's zero


def draw(top_left: str, bottom_right: str) -> Image.Image:
    image = Image.new("RGB", (64, 64), GROUND)
    image.paste(top_left, (0, 0, 32, 32))
    image.paste(bottom_right, (32, 32, 64, 64))
    return image


def coloured(picture: bytes) -> tuple[float, float]:
    """How orange the top left is, and the bottom right."""
    pixels = np.asarray(decode(picture), np.float64)
    orange = pixels[..., 0] - pixels[..., 2]
    middle = len(orange) // 2
    return float(orange[:middle, :middle].mean()), float(orange[middle:, middle:].mean())


def test_the_common_part_is_coloured_in_both_pictures(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    draw("red", "blue").save(tmp_path / "pictures" / "hit.png")
    draw("red", "lime").save(tmp_path / "pictures" / "other.png")
    model = write_tiny_model(tmp_path / "model.onnx", dimension=64)  # enough for a projection to keep angles
    build_gallery(model=model, sources=pictures_in(tmp_path / "pictures"), gallery=tmp_path / "gallery")
    with (
        running_server(open_engine(model, [("two", tmp_path / "gallery")])) as server,
        Client(server.address) as client,
    ):
        for query in (encode(draw("red", "lime")), ItemId("other.png")):
            maps = similarity_maps(client, query, "hit.png", Side(gallery=""))
            for picture in (maps.query, maps.hit):
                common, own = coloured(picture)
                assert common > 20 > 2 * own
            assert 0 < maps.largest_fall < maps.score < 1

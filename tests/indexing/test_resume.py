"""An interrupted build that goes on with other words in its CSV, or with nothing to go on with."""

from pathlib import Path

import numpy as np
import pytest

from smserve.errors import InvalidInput
from smserve.gallery import LocalGallery
from smserve.indexing import SourceItem, build_gallery, items_from_csv
from smserve.types import FieldMask
from tests.support.pictures import draw, encode

COUNT = 280  # more than one transaction holds


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A CSV of 280 pictures with a price."""
    lines = ["path,label,price"]
    for number in range(COUNT):
        name = f"{number}.png"
        (tmp_path / name).write_bytes(encode(draw("red", number, (16, 16))))
        lines.append(f"{name},red,{number}")
    file = tmp_path / "catalogue.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_mended_labels_and_payload_are_taken_up(tiny_model: Path, catalogue: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 270:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_gallery(model=tiny_model, sources=items_from_csv(catalogue), gallery=tmp_path / "g", progress=interrupt)
    text = catalogue.read_text(encoding="utf-8")
    text = text.replace("5.png,red,5\n", "5.png,scarlet,5\n", 1).replace("7.png,red,7\n", "7.png,red,8\n", 1)
    catalogue.write_text(text, encoding="utf-8")
    report = build_gallery(model=tiny_model, sources=items_from_csv(catalogue), gallery=tmp_path / "g")
    assert (report.items, report.resumed, report.embedded) == (COUNT, 256 - 2, COUNT - 256 + 2)
    gallery = LocalGallery.open(tmp_path / "g")
    assert gallery.get("5.png", FieldMask()).label == "scarlet"
    assert dict(gallery.get("7.png", FieldMask()).payload) == {"price": "8"}
    vector = gallery.get("5.png", FieldMask(vector=True)).vector
    assert vector is not None
    (hits,) = gallery.search(vector[np.newaxis], COUNT, FieldMask()).hits
    assert sorted(hit.item_id for hit in hits) == sorted(f"{number}.png" for number in range(COUNT))
    gallery.close()


def test_nothing_and_the_same_id_twice_are_refused_before_anything_is_made(tiny_model: Path, tmp_path: Path) -> None:
    item = SourceItem(item_id="a", path=tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="no picture to index"):
        build_gallery(model=tiny_model, sources=[], gallery=tmp_path / "g")
    with pytest.raises(InvalidInput, match="two pictures have the id 'a'"):
        build_gallery(model=tiny_model, sources=[item, item], gallery=tmp_path / "g")
    assert not (tmp_path / "g").exists()

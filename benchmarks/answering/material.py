"""What all sides of benchmark `serving` get: photos, model files and galleries."""

import json
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.vector_search.data import DIMENSION, Data
from smserve.gallery import LocalGalleryWriter, NewItem
from smserve.gallery.tuning import tuned_index
from smserve.images import ResizeRule
from smserve.indexing import SourceItem, build_gallery
from smserve.model_file import fingerprint
from tests.support.pictures import COLORS, draw, encode
from tests.support.tiny_model import write_tiny_model
from training.config import ModelConfig
from training.export import export_model
from training.model import build_model

__all__ = ["ITEMS", "demo_model", "googlenet", "photo_gallery", "photos", "taken_apart", "vector_gallery"]

ITEMS: Final = 100_000
_DEMO: Final = Path("runs/demo/model.onnx")
_BATCH: Final = 2000


def photos(folder: Path, most: int = 200) -> list[Path]:
    """Return photos of SMSERVE_PHOTOS, or drawn pictures as large where that is not set."""
    given = os.environ.get("SMSERVE_PHOTOS")
    if given is not None:
        found = sorted(Path(given).rglob("*.jpg"))
        return random.Random(0).sample(found, min(most, len(found)))  # noqa: S311 - a sample, no secret
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(most):
        picture = draw(list(COLORS)[number % len(COLORS)], size=(348, 348))
        (folder / f"{number}.jpg").write_bytes(encode(picture, "JPEG", quality=90))
    return sorted(folder.iterdir())


def googlenet(path: Path) -> Path:
    """Write GoogLeNet with 64 dimensions at 224 pixels; untrained, which changes nothing of its speed."""
    return _export("googlenet", 224, path)


def demo_model(path: Path) -> Path:
    """Return the demo's model file, or one of the same network, untrained, where `make demo` was not run."""
    return _DEMO if _DEMO.exists() else _export("efficientnet_lite0", 96, path)


def photo_gallery(path: Path, model: Path, pictures: list[Path]) -> Path:
    """Build a gallery of the photos, searched exactly."""
    sources = [
        SourceItem(item_id=f"{number}.jpg", path=picture, label=picture.parent.name)
        for number, picture in enumerate(pictures)
    ]
    build_gallery(model=model, sources=sources, gallery=path, near_duplicates=None)
    return path


def vector_gallery(folder: Path) -> tuple[Path, Path, Path]:
    """Build a gallery of 100,000 x 64 with an index whose recall@10 is surely 0.99.

    Returns:
        A model file, the gallery, and queries (Q, 64) as an .npy file.
    """
    data = Data.drawn(ITEMS, 2000)
    model, gallery, queries = folder / "vectors.onnx", folder / "vectors", folder / "queries.npy"
    write_tiny_model(model, dimension=DIMENSION)
    np.save(queries, data.queries)
    with LocalGalleryWriter(gallery, model_fingerprint=fingerprint(model.read_bytes()), dimension=DIMENSION) as writer:
        for start in range(0, ITEMS, _BATCH):
            writer.upsert(
                [
                    NewItem(
                        item_id=f"{number:07d}.jpg",
                        vector=vector,
                        label=f"class-{number % 1000}",
                        payload={"price": number % 100, "title": f"item {number}"},
                    )
                    for number, vector in enumerate(data.vectors[start : start + _BATCH], start)
                ]
            )
        writer.publish(tuned_index(gallery, recall=0.99, min_recall=0.99, indexes=["IVF1265,Flat"], threads=2))
    return model, gallery, queries


def taken_apart(gallery: Path, folder: Path) -> Path:
    """Write a gallery's index and items (id, label, payload as JSON) by position, for servers that know no gallery."""
    folder.mkdir()
    (generation,) = (gallery / "generations").iterdir()
    shutil.copy(generation / "index.faiss", folder)
    with closing(sqlite3.connect(gallery / "gallery.sqlite")) as database:
        rows = {
            key: row for key, *row in database.execute("SELECT key, item_id, label, coalesce(payload, '{}') FROM items")
        }
    items = [rows[key] for key in np.fromfile(generation / "keys.i64", np.int64).tolist()]
    (folder / "items.json").write_text(json.dumps(items), encoding="utf-8")
    return folder


def _export(backbone: str, side: int, path: Path) -> Path:
    torch.manual_seed(0)
    weights = "none" if backbone == "googlenet" else "pretrained"
    net = build_model(ModelConfig(backbone=backbone, weights=weights, dimension=64, fold_batch_norm=True)).eval()
    export_model(
        net,
        rule=ResizeRule(size=side, height=side, width=side),
        name=backbone,
        provenance={},
        check_pictures=[(color, encode(draw(color))) for color in COLORS],
        neighbour_pictures=None,
        output=path,
    )
    return path

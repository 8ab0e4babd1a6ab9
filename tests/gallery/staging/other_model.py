"""Another model for a gallery, and how it is staged in tests."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from smserve.gallery import LocalGallery, LocalGalleryWriter, NewItem
from smserve.gallery.staging import Stage
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.conftest import DIMENSION, MODEL

OTHER, OTHER_DIMENSION = "b" * 64, 4
PROJECTION = unit_vectors(DIMENSION, OTHER_DIMENSION, seed=5)  # (D, D') the other model: old vectors, projected


def embed(item: NewItem) -> NewItem:
    vector = item.vector @ PROJECTION
    return replace(item, vector=(vector / np.linalg.norm(vector)).astype(np.float32))


def open_stage(gallery: Path, fingerprint: str = OTHER) -> Stage:
    dimension = OTHER_DIMENSION if fingerprint == OTHER else DIMENSION
    return Stage(gallery, model=Path("new.onnx"), model_fingerprint=fingerprint, dimension=dimension)


def bring_level(gallery: Path) -> int:
    """Stage all that is missing; returns how many items that were."""
    with open_stage(gallery) as stage:
        sequence = stage.sequence()
        items = [embed(item) for item in stage.wanted()]
        if items:
            stage.store(items)
        stage.delete_gone()
        assert stage.finish(sequence)
    return len(items)


def check_other(gallery: Path, oracle: BruteForce) -> None:
    """The gallery is searched with the other model, and finds what it should."""
    wanted = BruteForce()
    wanted.upsert([embed(item) for item in oracle.items.values()])
    reader = LocalGallery.open(gallery, model_fingerprint=OTHER)
    queries = unit_vectors(4, OTHER_DIMENSION, seed=98)
    for query, hits in zip(queries, reader.search(queries, 5, FieldMask()).hits, strict=True):
        assert [hit.item_id for hit in hits] == [item_id for item_id, _ in wanted.search(query, 5)]
    assert reader.info().item_count == len(oracle.items)
    reader.close()


def writer(gallery: Path) -> LocalGalleryWriter:
    return LocalGalleryWriter(gallery, model_fingerprint=MODEL, dimension=DIMENSION)

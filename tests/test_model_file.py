"""The manifest: what is written is read back, what is damaged is refused by name."""

import json
from typing import Any

import numpy as np
import pytest

from smserve.errors import ModelDamaged
from smserve.images import ResizeRule
from smserve.model_file import Manifest, SelfCheckItem, fingerprint
from tests.support.pictures import draw, encode


@pytest.fixture
def manifest() -> Manifest:
    vector = np.array([0.6, 0.8], np.float32)
    return Manifest(
        name="drawn",
        resize=ResizeRule(mode="shortest_side", size=64, height=64, width=64),
        dimension=2,
        provenance={"dataset": "drawn", "seed": 3, "recall_at_1": 0.5},
        self_check=(SelfCheckItem(name="red", image=encode(draw("red")), embedding=vector),),
    )


def test_round_trip(manifest: Manifest) -> None:
    again = Manifest.from_json(manifest.to_json())
    assert again.to_json() == manifest.to_json()
    assert (again.name, again.resize, again.dimension, again.metric) == ("drawn", manifest.resize, 2, "cosine")
    assert again.provenance == {"dataset": "drawn", "seed": 3, "recall_at_1": 0.5}
    assert again.calibration is None
    assert again.self_check[0].image == manifest.self_check[0].image
    np.testing.assert_array_equal(again.self_check[0].embedding, [np.float32(0.6), np.float32(0.8)])


def test_the_fingerprint_is_the_sha256_of_the_bytes() -> None:
    assert fingerprint(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema version 2, this smserve reads 1"),
        ({"dimension": 3}, "length 2, the model has D=3"),
        ({"dimension": "many"}, "can't be read"),
        ({"metric": "l2"}, "'l2'"),
        ({"self_check": []}, "no self-check"),
        ({"self_check": [{"name": "x", "image": "*", "embedding": ""}]}, "can't be read"),
        ({"resize": {"mode": "zoom", "size": 8, "height": 8, "width": 8}}, "zoom"),
        ({"resize": {"size": 8}}, "can't be read"),
    ],
)
def test_a_damaged_manifest_is_refused(manifest: Manifest, change: dict[str, Any], message: str) -> None:
    document = json.loads(manifest.to_json()) | change
    with pytest.raises(ModelDamaged, match=message):
        Manifest.from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"x"'])
def test_no_manifest_at_all(text: str) -> None:
    with pytest.raises(ModelDamaged, match="can't be read"):
        Manifest.from_json(text)


@pytest.mark.parametrize("name", ["name", "resize", "dimension", "metric", "provenance", "calibration", "self_check"])
def test_every_field_is_needed(manifest: Manifest, name: str) -> None:
    document = json.loads(manifest.to_json())
    del document[name]
    with pytest.raises(ModelDamaged, match=name):
        Manifest.from_json(json.dumps(document))

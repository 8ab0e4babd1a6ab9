"""The manifest: what is written is read back, what is damaged is refused by name."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from smserve.errors import ModelDamaged
from smserve.images import ResizeRule
from smserve.model_file import Calibration, Manifest, SelfCheckItem, fingerprint
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


def test_the_way_of_decoding_is_kept(manifest: Manifest) -> None:
    reduced = replace(manifest, resize=replace(manifest.resize, decoding="reduced"))
    assert json.loads(reduced.to_json())["resize"]["decoding"] == "reduced"
    assert Manifest.from_json(reduced.to_json()).resize == reduced.resize


def test_a_file_from_before_there_was_a_choice_decodes_in_full_for_ever() -> None:
    """As version 0.1.0 of the format wrote it, to the byte."""
    written = (
        '{"calibration":null,"dimension":2,"metric":"cosine","name":"old","provenance":{},'
        '"resize":{"height":48,"mode":"squash","size":64,"width":48},"schema_version":1,'
        '"self_check":[{"embedding":"mpkZP83MTD8=","image":"AAAA","name":"red"}]}'
    )
    manifest = Manifest.from_json(written)
    assert manifest.resize == ResizeRule(mode="squash", size=64, height=48, width=48, decoding="full")
    assert manifest.to_json() == written


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
        ({"resize": {"size": 8, "height": 8, "width": 8, "decoding": "half"}}, "'half'"),
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


CALIBRATION = Calibration(
    slope=8.0,
    intercept=-4.0,
    fitted_on="drawn/validation",
    neighbours=10,
    pairs=400,
    same_class_share=0.25,
    error=0.03,
)


def test_a_calibration_is_kept(manifest: Manifest) -> None:
    again = Manifest.from_json(replace(manifest, calibration=CALIBRATION).to_json())
    assert again.calibration == CALIBRATION
    assert again.to_json() == replace(manifest, calibration=CALIBRATION).to_json()


@pytest.mark.parametrize(
    ("cosine", "probability"),
    [
        (0.5, 0.5),  # 8 x 0.5 - 4 = 0
        (1.0, 1 / (1 + math.exp(-4))),
        (-1.0, 1 / (1 + math.exp(12))),
    ],
)
def test_the_probability_is_the_logistic_of_the_cosine(cosine: float, probability: float) -> None:
    assert CALIBRATION.probability(cosine) == pytest.approx(probability, rel=1e-9)


def test_the_probability_keeps_order_and_shape_and_never_overflows() -> None:
    cosines = np.linspace(-1, 1, 201).reshape(3, 67)
    probabilities = CALIBRATION.probability(cosines)
    assert probabilities.shape == (3, 67)
    assert (np.diff(probabilities.ravel()) > 0).all()
    steep = replace(CALIBRATION, slope=1e6, intercept=0.0)
    assert steep.probability([-1.0, 1.0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "isotonic"}, "of kind 'isotonic', this smserve knows 'logistic'"),
        ({"slope": 0.0}, "slope 0.0"),
        ({"slope": float("nan")}, "slope nan"),
        ({"intercept": float("inf")}, "intercept inf"),
        ({"pairs": "many"}, "can't be read"),
    ],
)
def test_a_damaged_calibration_is_refused(manifest: Manifest, change: dict[str, Any], message: str) -> None:
    document = json.loads(manifest.to_json()) | {"calibration": CALIBRATION.to_dict() | change}
    with pytest.raises(ModelDamaged, match=message):
        Manifest.from_json(json.dumps(document))


def test_a_calibration_that_lacks_a_number_is_refused(manifest: Manifest) -> None:
    stored = CALIBRATION.to_dict()
    for name in stored:
        document = json.loads(manifest.to_json())
        document["calibration"] = {key: value for key, value in stored.items() if key != name}
        with pytest.raises(ModelDamaged, match=name):
            Manifest.from_json(json.dumps(document))


@pytest.mark.parametrize("stored", [[], "logistic", 3])
def test_a_calibration_that_is_no_object_is_refused(manifest: Manifest, stored: object) -> None:
    document = json.loads(manifest.to_json()) | {"calibration": stored}
    with pytest.raises(ModelDamaged, match="can't be read"):
        Manifest.from_json(json.dumps(document))

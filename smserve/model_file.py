"""The manifest inside `model.onnx`: how the model is fed, where it comes from, and how to check that it works.

The file is the one thing that training hands to serving. Its graph takes `images` uint8 (N, H, W, 3) RGB and gives
`embeddings` float32 (N, D) of unit norm; the manifest, JSON without a timestamp, lies in its `metadata_props` under
`METADATA_KEY`. The file's identity is its fingerprint, the sha256 of its bytes. See docs/model-file.md.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smserve.errors import ModelDamaged
from smserve.images import ResizeRule
from smserve.types import FloatArray

__all__ = [
    "INPUT_NAME",
    "METADATA_KEY",
    "OUTPUT_NAME",
    "SCHEMA_VERSION",
    "SELF_CHECK_MIN_COSINE",
    "Calibration",
    "Manifest",
    "SelfCheckItem",
    "fingerprint",
]

METADATA_KEY = "smserve.model"
SCHEMA_VERSION = 1
INPUT_NAME = "images"
OUTPUT_NAME = "embeddings"
SELF_CHECK_MIN_COSINE = 0.999
"""A server whose embeddings of the self-check pictures are farther from training's than this does not serve."""
_CALIBRATION_KIND = "logistic"


def fingerprint(model: bytes) -> str:
    """Return the identity of a model file: the sha256 of its bytes in lower-case hex."""
    return hashlib.sha256(model).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelfCheckItem:
    """An encoded picture and the embedding that training computed for it.

    Attributes:
        name: For messages.
        image: PNG, JPEG or WebP.
        embedding: (D,) float32, unit norm.
    """

    name: str
    image: bytes
    embedding: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """From a cosine to the probability that both pictures are of one class: 1 / (1 + exp(-(slope c + intercept))).

    Platt's method. It never changes an order: of two cosines the larger has the larger probability.

    Attributes:
        slope: Above 0.
        intercept: Of the log-odds.
        fitted_on: The pictures it was fitted on, for people; training has seen none of their classes.
        neighbours: How many nearest pictures of each picture were its pairs.
        pairs: How many pairs there were.
        same_class_share: Share of the pairs that were of one class. Among other pairs, as in a gallery with many more
            pictures, the odds shift with theirs.
        error: Expected calibration error on pairs of classes that the fit had not seen: mean distance of the
            probability from the share that was right, in [0, 1].
    """

    slope: float
    intercept: float
    fitted_on: str
    neighbours: int
    pairs: int
    same_class_share: float
    error: float

    def probability(self, cosine: ArrayLike) -> NDArray[np.float64]:
        """Return the probability, in [0, 1], of each cosine, of any shape."""
        # 1 / (1 + exp(-x)) by tanh, which can't overflow
        log_odds = self.slope * np.asarray(cosine, np.float64) + self.intercept
        return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as JSON holds it; `kind` leaves room for others."""
        return {"kind": _CALIBRATION_KIND, **asdict(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Calibration":
        """Read a stored calibration.

        Raises:
            ModelDamaged: Of a kind that is not ours, or a number is none or out of range.
            KeyError: A number is missing.
        """
        if document["kind"] != _CALIBRATION_KIND:
            raise ModelDamaged(
                f"the model's calibration is of kind {document['kind']!r}, this smserve knows {_CALIBRATION_KIND!r}; "
                f"use the smserve that the model was exported for, or export the model again"
            )
        calibration = cls(
            slope=float(document["slope"]),
            intercept=float(document["intercept"]),
            fitted_on=str(document["fitted_on"]),
            neighbours=int(document["neighbours"]),
            pairs=int(document["pairs"]),
            same_class_share=float(document["same_class_share"]),
            error=float(document["error"]),
        )
        if not 0 < calibration.slope < math.inf or not math.isfinite(calibration.intercept):
            raise ModelDamaged(
                f"the model's calibration has slope {calibration.slope} and intercept {calibration.intercept}; wanted "
                f"a slope above 0 and both finite, so export the model again"
            )
        return calibration


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Manifest:
    """What a model file says about itself.

    Attributes:
        name: For people; identity is the fingerprint.
        resize: How a decoded picture becomes the (H, W, 3) input.
        dimension: D.
        metric: "cosine".
        provenance: Data set, recipe, seed, commit, Recall@1 and the like; free-form JSON.
        calibration: Cosine to probability of "same class"; None where the model has none.
        self_check: Pictures with known embeddings; at least one.
    """

    name: str
    resize: ResizeRule
    dimension: int
    self_check: tuple[SelfCheckItem, ...]
    metric: str = "cosine"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None

    def to_json(self) -> str:
        """Return the manifest as it is stored; equal manifests give equal text."""
        document = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "resize": self.resize.to_dict(),
            "dimension": self.dimension,
            "metric": self.metric,
            "provenance": dict(self.provenance),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "self_check": [
                {
                    "name": item.name,
                    "image": base64.b64encode(item.image).decode("ascii"),
                    "embedding": base64.b64encode(item.embedding.astype("<f4").tobytes()).decode("ascii"),
                }
                for item in self.self_check
            ],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read a stored manifest.

        Raises:
            ModelDamaged: Not JSON, a field missing or of the wrong kind, or a schema version that is not ours.
        """
        try:
            document = json.loads(text)
            version = document["schema_version"]
            if version != SCHEMA_VERSION:
                raise ModelDamaged(
                    f"the model's manifest has schema version {version!r}, this smserve reads {SCHEMA_VERSION}; "
                    f"use the smserve that the model was exported for, or export the model again"
                )
            calibration = document["calibration"]
            manifest = cls(
                name=str(document["name"]),
                resize=ResizeRule(**document["resize"]),
                dimension=int(document["dimension"]),
                metric=str(document["metric"]),
                provenance=dict(document["provenance"]),
                calibration=None if calibration is None else Calibration.from_dict(calibration),
                self_check=tuple(_self_check_item(entry) for entry in document["self_check"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise ModelDamaged(f"the model's manifest can't be read ({error!r}); export the model again") from None
        manifest._check()
        return manifest

    def _check(self) -> None:
        if self.metric != "cosine":
            raise ModelDamaged(f"the model's metric is {self.metric!r}; this smserve knows 'cosine'")
        if self.dimension < 1:
            raise ModelDamaged(f"the model's dimension is {self.dimension}; wanted at least 1")
        if not self.self_check:
            raise ModelDamaged("the model's manifest has no self-check pictures; export the model again")
        for item in self.self_check:
            if item.embedding.shape != (self.dimension,):
                raise ModelDamaged(
                    f"self-check picture {item.name!r} has an embedding of length {item.embedding.size}, "
                    f"the model has D={self.dimension}"
                )


def _self_check_item(entry: Mapping[str, Any]) -> SelfCheckItem:
    return SelfCheckItem(
        name=str(entry["name"]),
        image=base64.b64decode(entry["image"], validate=True),
        embedding=np.frombuffer(base64.b64decode(entry["embedding"], validate=True), dtype="<f4").astype(np.float32),
    )

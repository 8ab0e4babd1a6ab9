"""What a model says about pictures."""

from dataclasses import dataclass

from smserve.types.vectors import FloatArray

__all__ = ["Comparison", "Embedding"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedding:
    """The vector of one picture of a batch, or why there is none: exactly one is set.

    Attributes:
        vector: (D,) unit norm.
        error: An `smserve.errors.SmserveError`; typed loosely to keep this module free of imports.
        model_fingerprint: The model that made it; empty where no model was asked.
    """

    vector: FloatArray | None = None
    error: Exception | None = None
    model_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How alike two pictures are."""

    score: float
    probability: float | None
    model_fingerprint: str

"""What a request must look like; every rule stands here and nowhere else."""

import math

import numpy as np

from smserve.config import SearchLimits
from smserve.errors import InvalidInput, InvalidTopK, InvalidVector
from smserve.types import FloatArray, SearchRequest

__all__ = ["check_image_count", "check_search", "unit_vector"]


def check_search(request: SearchRequest, limits: SearchLimits) -> None:
    """Check everything that needs neither model nor gallery.

    Raises:
        InvalidInput: Not exactly one query, or a `min_score` that is no number.
        InvalidTopK: `top_k` is out of range.
    """
    queries = {"image": request.image, "vector": request.vector, "item_id": request.item_id}
    given = [name for name, value in queries.items() if value is not None]
    if len(given) != 1:
        raise InvalidInput(
            f"a search takes exactly one of image, vector and item_id; got {' and '.join(given) or 'none of them'}",
            field="query",
        )
    if not 1 <= request.top_k <= limits.max_top_k:
        raise InvalidTopK(f"top_k is {request.top_k}; wanted at least 1 and at most {limits.max_top_k}", field="top_k")
    if request.min_score is not None and not math.isfinite(request.min_score):
        raise InvalidInput(f"min_score is {request.min_score}; wanted a cosine, a number in [-1, 1]", field="min_score")


def unit_vector(vector: FloatArray, dimension: int) -> FloatArray:
    """Return `vector` (D,) scaled to unit norm, as float32.

    Raises:
        InvalidVector: Of another shape than (dimension,), not finite, or of length zero.
    """
    if vector.shape != (dimension,):
        got = f"D={vector.size}" if vector.ndim == 1 else f"shape {vector.shape}"
        raise InvalidVector(
            f"the vector has {got}, the model has D={dimension}; send a vector that this model made", field="vector"
        )
    wide = vector.astype(np.float64)  # squares of float32 may overflow or vanish in float32
    if not np.isfinite(wide).all():
        position = int(np.flatnonzero(~np.isfinite(wide))[0])
        raise InvalidVector(
            f"the vector's number {position} is {wide[position]}; wanted finite numbers", field="vector"
        )
    norm = float(np.linalg.norm(wide))
    if norm == 0.0:
        raise InvalidVector("the vector is all zeros, which has no direction and so no neighbours", field="vector")
    return (wide / norm).astype(np.float32)


def check_image_count(count: int, most: int) -> None:
    """Check the number of pictures of one call.

    Raises:
        InvalidInput: None, or more than `most`.
    """
    if not 1 <= count <= most:
        raise InvalidInput(
            f"the call has {count} pictures; wanted at least 1 and at most {most}, so split it up", field="images"
        )

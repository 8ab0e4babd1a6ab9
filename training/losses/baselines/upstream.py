"""The one door to pytorch-metric-learning, the optional library that the baselines come from."""

from importlib import import_module
from types import ModuleType

from smserve.errors import Unavailable

__all__ = ["metric_learning"]


def metric_learning() -> ModuleType:
    """Return the library with its losses, miners, distances and reducers.

    Raises:
        Unavailable: It is not installed.
    """
    try:
        for part in ("losses", "miners", "distances", "reducers"):
            import_module(f"pytorch_metric_learning.{part}")
        return import_module("pytorch_metric_learning")
    except ImportError as error:
        raise Unavailable(
            f"this loss is pytorch-metric-learning's, which can't be imported ({error}); install it with "
            "pip install 'smserve[bench]', or take the loss triplet_ratio or multi_similarity"
        ) from None

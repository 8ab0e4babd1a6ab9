"""Training pictures that are kept from training, to measure the controller's validation error on."""

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidInput

__all__ = ["hold_out"]

_KEPT_OF_A_CLASS = 2  # so that it still makes triplets


def hold_out(labels: NDArray[np.int64], share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Choose a share of the pictures at random; of each class at least two are left to train on.

    Args:
        labels: (N,) classes of the training pictures.
        share: In (0, 1).
        random: Source of chance.

    Returns:
        (N,) true where a picture is held out; fewer than asked for where the classes are too small.

    Raises:
        InvalidInput: No class has a picture to spare.
    """
    left = np.bincount(labels) - _KEPT_OF_A_CLASS  # of each class, how many may go
    wanted = max(1, round(share * len(labels)))
    held = np.zeros(len(labels), np.bool_)
    for index in random.permutation(len(labels)):
        if wanted and left[labels[index]] > 0:
            held[index] = True
            left[labels[index]] -= 1
            wanted -= 1
    if not held.any():
        raise InvalidInput(
            "every training class has two pictures or fewer, so none can be held out to measure the validation error; "
            'set controller.kind to "constant_target"',
            field="controller.kind",
        )
    return held

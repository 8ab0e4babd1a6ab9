import random

import numpy as np
import torch

from training.trainer.chance import seed_everything

CPU = torch.device("cpu")


def drawn(*parts: int) -> tuple[float, float, float]:
    seed_everything(CPU, *parts)
    return torch.rand(1).item(), np.random.random(), random.random()  # noqa: NPY002, S311 - those in question


def test_every_generator_draws_what_the_numbers_decide() -> None:
    first = drawn(0, 1, 2)
    drawn(5)
    assert drawn(0, 1, 2) == first
    others = [drawn(0, 1, 3), drawn(0, 2, 2), drawn(1, 1, 2), drawn(0, 1, 2, 1)]
    for number in range(3):
        assert len({each[number] for each in [first, *others]}) == 5

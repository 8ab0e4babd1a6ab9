"""Five thousand random operations; GALLERY_MODEL_OPERATIONS asks for more, and benchmarks/gallery_model.py, too."""

import os
from pathlib import Path

import pytest

from tests.gallery.random_operations import RandomOperations


@pytest.mark.timeout(600)  # eight seconds, on a machine that has nothing else to do
def test_whatever_is_done_the_answers_are_those_of_a_dictionary(in_memory: Path) -> None:
    operations = RandomOperations(in_memory / "g", seed=1)
    for _ in range(int(os.environ.get("GALLERY_MODEL_OPERATIONS", "5000"))):
        operations.step()
    assert min(operations.done.values()) > 10  # of every kind
    operations.close()

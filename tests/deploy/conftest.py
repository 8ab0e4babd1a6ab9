"""What a running server exports, and how queries name it."""

import re
from pathlib import Path

import pytest

from tests.support.scraping import everything


@pytest.fixture(scope="session")
def exported(tiny_model: Path, small_gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of all series."""
    seen = everything(tiny_model, small_gallery, tmp_path_factory.mktemp("exported") / "mine")
    return frozenset(sample.name for family in seen.families.values() for sample in family.samples)


def named_in(query: str) -> set[str]:
    """Return the metrics that a PromQL expression names; there must be some."""
    names = set(re.findall(r"\b(?:smserve|process)_[a-z_]+", query))
    assert names, query
    return names

"""A gallery with another model staged beside the one in use."""

import pytest

from tests.gallery.conftest import Published
from tests.gallery.staging.other_model import bring_level


@pytest.fixture
def staged(published: Published) -> Published:
    assert bring_level(published.path) == 40
    return published

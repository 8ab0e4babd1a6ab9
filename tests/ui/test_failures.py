"""What the page says of each error."""

import pytest

from smserve import errors
from smserve.errors import Overloaded, SmserveError, Unauthenticated, Unavailable
from smserve.ui.failures import failure_of

EVERY = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_has_a_title_and_keeps_its_message(kind: type[SmserveError]) -> None:
    failure = failure_of(kind("the cause, and the way out"))
    assert failure.title
    assert failure.message == "the cause, and the way out"
    assert 400 <= failure.status < 600


@pytest.mark.parametrize(
    ("error", "title", "again"),
    [
        (Unavailable(""), "The server is away", True),
        (Overloaded(""), "The server is full", True),
        (Unauthenticated(""), "The server refuses: it wants a key", False),
    ],
)
def test_the_three_that_matter_most(error: SmserveError, title: str, again: bool) -> None:
    assert (failure_of(error).title, failure_of(error).again) == (title, again)

"""Many pictures become calls that fit; none is lost, moved or doubled."""

from smserve.client.batches import batches
from smserve.config import MAX_IMAGES_PER_CALL, ImageLimits


def test_by_count() -> None:
    pictures = [bytes([number]) for number in range(130)]
    found = list(batches(pictures))
    assert [len(batch.images) for batch in found] == [MAX_IMAGES_PER_CALL, MAX_IMAGES_PER_CALL, 2]
    assert [image for batch in found for image in batch.images.values()] == pictures
    assert [position for batch in found for position in batch.images] == list(range(130))


def test_by_size() -> None:
    half = bytes(ImageLimits().max_bytes // 2)
    found = list(batches([half, half, b"x", half]))
    assert [list(batch.images) for batch in found] == [[0, 1], [2, 3]]


def test_what_cannot_be_sent_is_an_error_of_its_own() -> None:
    (batch,) = batches([b"x", "nowhere.jpg", b"y"])
    assert list(batch.images) == [0, 2]
    assert list(batch.errors) == [1]
    assert batch.errors[1].field == "images[1]"


def test_nothing() -> None:
    assert list(batches([])) == []
    (batch,) = batches(["nowhere.jpg"])
    assert not batch.images

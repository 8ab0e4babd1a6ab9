"""Many elements become calls that fit; none is lost, moved or doubled."""

from smserve.client.chunks import chunked
from smserve.client.limits import Limits
from smserve.config import MAX_MESSAGE_BYTES
from smserve.v1 import retrieval_pb2

LIMITS = Limits(max_bytes=1000, max_images=2, max_items=4, max_queries=4, max_stream_requests=2)


def cut(sizes: list[int], *, images: bool = False, most: int = 4) -> list[list[int]]:
    return list(chunked(((number, size, images) for number, size in enumerate(sizes)), LIMITS, most=most))


def test_by_count() -> None:
    assert cut([1] * 9) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_by_pictures() -> None:
    assert cut([1] * 5, images=True) == [[0, 1], [2, 3], [4]]


def test_by_size() -> None:
    half = 1000 // 2 - 16  # each element's tag and length count, too
    assert cut([half, half, 1, half]) == [[0, 1], [2, 3]]
    assert cut([half + 1, half, 1]) == [[0], [1, 2]]


def test_what_fits_nowhere_goes_alone() -> None:
    assert cut([1, 5000, 1]) == [[0], [1], [2]]


def test_nothing() -> None:
    assert cut([]) == []


def test_a_full_chunk_of_real_pictures_fits_into_a_message() -> None:
    limits = Limits()
    sizes = [limits.max_bytes // 64 - 16] * 64
    (chunk,) = chunked(((size, size, True) for size in sizes), limits, most=limits.max_images)
    assert retrieval_pb2.EmbedRequest(images=map(bytes, chunk)).ByteSize() <= MAX_MESSAGE_BYTES


def test_limits_are_those_that_the_server_publishes() -> None:
    info = retrieval_pb2.GetServerInfoResponse(
        max_message_bytes=2**20, max_images=3, max_items=5, max_queries=7, max_stream_requests=2
    )
    limits = Limits.of(info)
    assert limits.max_bytes == 2**20 - 64 * 1024
    assert (limits.max_images, limits.max_items, limits.max_queries, limits.max_stream_requests) == (3, 5, 7, 2)


def test_an_older_server_publishes_fewer() -> None:
    assert Limits.of(retrieval_pb2.GetServerInfoResponse(max_message_bytes=MAX_MESSAGE_BYTES)) == Limits()


def test_a_server_of_larger_messages_does_not_raise_the_client_s() -> None:
    info = retrieval_pb2.GetServerInfoResponse(max_message_bytes=MAX_MESSAGE_BYTES * 4)
    assert Limits.of(info).max_bytes == Limits().max_bytes

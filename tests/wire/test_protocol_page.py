"""docs/protocol.md says what the code does: every rpc, error and limit."""

from pathlib import Path

import pytest

from smserve.config import (
    DECODED_BYTES_IN_FLIGHT,
    DEFAULT_MAX_STREAM_REQUESTS,
    DEFAULT_MAX_STREAMS,
    DEFAULT_MAX_WAITING,
    DEFAULT_PAGE_SIZE,
    MAX_IMAGES_PER_CALL,
    MAX_ITEMS_PER_CALL,
    MAX_MESSAGE_BYTES,
    MAX_PAGE_SIZE,
    MAX_QUERIES_PER_CALL,
    ImageLimits,
    SearchLimits,
)
from smserve.errors import SmserveError
from smserve.v1 import gallery_pb2, retrieval_pb2
from smserve.wire.status import code_name
from tests.test_errors import every_error

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", every_error())
def test_every_error_has_its_row(error: type[SmserveError]) -> None:
    assert f"| `{error.__name__}` | `{error.reason}` | {code_name(error)} |\n" in PAGE


@pytest.mark.parametrize(
    "service",
    [*retrieval_pb2.DESCRIPTOR.services_by_name.values(), *gallery_pb2.DESCRIPTOR.services_by_name.values()],
    ids=lambda service: service.name,
)
def test_every_rpc_is_there(service: "object") -> None:
    assert f"`{service.full_name}`" in PAGE  # type: ignore[attr-defined]  # a ServiceDescriptor
    for method in service.methods:  # type: ignore[attr-defined]  # a ServiceDescriptor
        assert f"`{method.name}`" in PAGE


def test_limits_are_those_of_the_code() -> None:
    assert f"| {MAX_MESSAGE_BYTES // 2**20} MiB |" in PAGE
    assert MAX_MESSAGE_BYTES - ImageLimits().max_bytes == 64 * 1024
    assert f"{ImageLimits().max_pixels:,} pixels" in PAGE
    assert f"| images of one Embed | {MAX_IMAGES_PER_CALL} |" in PAGE
    assert f" | {MAX_ITEMS_PER_CALL:,}, of them {MAX_IMAGES_PER_CALL} with an image |" in PAGE
    assert f"| items of one page | 1 to {MAX_PAGE_SIZE:,}, {DEFAULT_PAGE_SIZE} by default |" in PAGE
    assert f"| `top_k` | 1 to {SearchLimits().max_top_k:,} |" in PAGE
    assert f"`top_k` not given means {SearchLimits().default_top_k};" in PAGE
    assert f"| {DECODED_BYTES_IN_FLIGHT // 2**30} GiB |" in PAGE
    assert (
        f"| searches of one BatchSearch | {MAX_QUERIES_PER_CALL}, of them {MAX_IMAGES_PER_CALL} with an image |" in PAGE
    )
    assert f"| calls that wait (`--max-waiting`) | {DEFAULT_MAX_WAITING}, " in PAGE
    assert f" (`--max-streams`) | {DEFAULT_MAX_STREAMS} |" in PAGE
    assert f"| unanswered requests of a stream | {DEFAULT_MAX_STREAM_REQUESTS} |" in PAGE

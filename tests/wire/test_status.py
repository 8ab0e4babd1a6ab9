"""Every error has a code and comes back as it was raised."""

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no types

from smserve import errors
from smserve.errors import SmserveError
from smserve.wire.status import (
    CODES,
    code_name,
    code_of,
    error_from_code,
    error_from_status,
    error_to_status,
    item_error_from_proto,
    item_error_to_proto,
)
from tests.test_errors import every_error

EVERY_ERROR = every_error()


@pytest.mark.parametrize("error", [error for error in EVERY_ERROR if error is not SmserveError])
def test_every_error_is_mapped_below_the_root(error: type[SmserveError]) -> None:
    assert any(ancestor in CODES for ancestor in error.__mro__[: error.__mro__.index(SmserveError)])
    assert code_of(error) not in {code_pb2.OK, code_pb2.UNKNOWN}


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_every_error_comes_back(error: type[SmserveError]) -> None:
    back = error_from_status(status_pb2.Status.FromString(error_to_status(error("why")).SerializeToString()))
    assert type(back) is error
    assert back.message == "why"


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_every_error_of_an_item_comes_back(error: type[SmserveError]) -> None:
    back = item_error_from_proto(item_error_to_proto(error("why")))
    assert type(back) is error
    assert back.message == "why"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.InvalidImage, "INVALID_ARGUMENT"),
        (errors.ItemNotFound, "NOT_FOUND"),
        (errors.ModelMismatch, "FAILED_PRECONDITION"),
        (errors.Overloaded, "RESOURCE_EXHAUSTED"),
        (errors.Unavailable, "UNAVAILABLE"),
        (errors.DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (errors.GalleryDamaged, "DATA_LOSS"),
        (errors.InternalError, "INTERNAL"),
    ],
)
def test_codes_of_the_design(error: type[SmserveError], name: str) -> None:
    assert code_name(error) == name


def test_field_and_delay_come_back() -> None:
    wrong = error_from_status(error_to_status(errors.InvalidTopK("why", field="top_k")))
    assert isinstance(wrong, errors.InvalidTopK)
    assert wrong.field == "top_k"
    full = error_from_status(error_to_status(errors.Overloaded("why", retry_after_s=1.25)))
    assert isinstance(full, errors.Overloaded)
    assert full.retry_after_s == 1.25


def test_details_are_those_that_any_client_knows() -> None:
    status = error_to_status(errors.InvalidTopK("why", field="top_k"), request_id="abc")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == ("INVALID_TOP_K", "smserve", {"request_id": "abc"})
    assert status.details[1].Unpack(bad)
    assert [violation.field for violation in bad.field_violations] == ["top_k"]
    assert "type.googleapis.com/google.rpc.RetryInfo" not in {detail.type_url for detail in status.details}


@pytest.mark.parametrize("letter", ["x", "ß", "🥝"])
def test_an_endless_message_is_cut(letter: str) -> None:
    status = error_to_status(errors.InvalidInput(letter * 100_000, field="query"))
    assert 990 <= len(status.message.encode()) <= 1000
    assert status.message.endswith(f"{letter} ...")
    assert status.ByteSize() < 4096


def test_a_foreign_status_is_read_by_its_code() -> None:
    assert type(error_from_status(status_pb2.Status(code=code_pb2.NOT_FOUND))) is errors.NotFound
    assert type(error_from_code(code_pb2.RESOURCE_EXHAUSTED, "why")) is errors.Overloaded
    assert type(error_from_code(code_pb2.ABORTED, "why")) is SmserveError


def test_an_unknown_reason_falls_back_to_the_code() -> None:
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="why")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="FROM_THE_FUTURE", domain="smserve"))
    assert type(error_from_status(status)) is errors.InvalidInput

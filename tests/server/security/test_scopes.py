"""Every rpc has a scope: the descriptors are walked."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection_pb2  # type: ignore[import-untyped]  # ships no types

from smserve.openinference import inference_pb2
from smserve.server.security.scopes import Scope, scope_of
from smserve.v1 import gallery_pb2, retrieval_pb2

FREE = {f"/inference.GRPCInferenceService/{name}" for name in ("ServerLive", "ServerReady", "ModelReady")}


def rpcs(*files: FileDescriptor) -> Iterator[str]:
    for file in files:
        for service in file.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}"


OURS = sorted(rpcs(retrieval_pb2.DESCRIPTOR, gallery_pb2.DESCRIPTOR))
ALL = [*OURS, *rpcs(inference_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR)]


@pytest.mark.parametrize("method", ALL)
def test_every_rpc_has_a_scope_or_is_health(method: str) -> None:
    assert (scope_of(method) is None) is (method in FREE)


@pytest.mark.parametrize("method", OURS)
def test_names_and_scopes_agree(method: str) -> None:
    """A rule beside the table: what is named as a look is read, what changes items is write, the rest is admin."""
    name = method.rpartition("/")[2]
    if name.startswith(("Get", "List", "Count", "Search", "BatchSearch", "Embed", "Compare")):
        assert scope_of(method) is Scope.READ
    elif name.startswith(("UpsertItems", "DeleteItems")):
        assert scope_of(method) is Scope.WRITE
    else:
        assert scope_of(method) is Scope.ADMIN


def test_an_unknown_rpc_has_none() -> None:
    assert scope_of("/smserve.v1.GalleryService/FormatDisk") is None


def test_each_scope_holds_those_before() -> None:
    assert Scope.READ < Scope.WRITE < Scope.ADMIN
    assert [Scope.of(scope.text) for scope in Scope] == list(Scope)

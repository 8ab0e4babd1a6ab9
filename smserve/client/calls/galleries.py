"""Galleries as a whole: which there are, their names, and their generations."""

from __future__ import annotations

from google.protobuf.message import Message

from smserve.client.talk import GALLERY, Call, Talk
from smserve.errors import InvalidInput
from smserve.types import GalleryInfo, GenerationInfo
from smserve.types.administration import AliasChange, DroppedGallery, Finding, Verification
from smserve.v1 import gallery_pb2
from smserve.wire.gallery import gallery_from_proto, generation_from_proto

__all__ = [
    "compact",
    "create_gallery",
    "delete_alias",
    "drop_gallery",
    "galleries",
    "generations",
    "get_gallery",
    "roll_back",
    "set_alias",
    "verify",
]


def galleries() -> Talk[list[GalleryInfo]]:
    """`Client.galleries`."""
    response = yield _call("ListGalleries", gallery_pb2.ListGalleriesRequest())
    return [gallery_from_proto(info) for info in response.galleries]


def get_gallery(name: str) -> Talk[GalleryInfo]:
    """`Client.get_gallery`."""
    response = yield _call("GetGallery", gallery_pb2.GetGalleryRequest(gallery=name))
    return gallery_from_proto(response.gallery)


def create_gallery(name: str, *, model_fingerprint: str) -> Talk[GalleryInfo]:
    """`Client.create_gallery`."""
    request = gallery_pb2.CreateGalleryRequest(gallery=name, model_fingerprint=model_fingerprint)
    return gallery_from_proto((yield _call("CreateGallery", request)).gallery)


def drop_gallery(name: str, *, expected_item_count: int | None) -> Talk[DroppedGallery]:
    """`Client.drop_gallery`."""
    request = gallery_pb2.DropGalleryRequest(gallery=name, expected_item_count=expected_item_count)
    response = yield _call("DropGallery", request)
    return DroppedGallery(gallery=response.origin.gallery, item_count=response.item_count)


def set_alias(alias: str, gallery: str, *, expected_gallery: str | None) -> Talk[AliasChange]:
    """`Client.set_alias`."""
    request = gallery_pb2.SetAliasRequest(alias=alias, gallery=gallery, expected_gallery=expected_gallery)
    response = yield _call("SetAlias", request)
    return AliasChange(alias=alias, gallery=response.origin.gallery, previous_gallery=response.previous_gallery)


def delete_alias(alias: str) -> Talk[AliasChange]:
    """`Client.delete_alias`."""
    response = yield _call("DeleteAlias", gallery_pb2.DeleteAliasRequest(alias=alias))
    return AliasChange(alias=alias, gallery="", previous_gallery=response.origin.gallery)


def generations(*, gallery: str) -> Talk[list[GenerationInfo]]:
    """`Client.generations`."""
    response = yield _call("ListGenerations", gallery_pb2.ListGenerationsRequest(gallery=gallery))
    return [generation_from_proto(each) for each in response.generations]


def compact(*, gallery: str, timeout_s: float) -> Talk[GenerationInfo]:
    """`Client.compact`."""
    request = gallery_pb2.CompactRequest(gallery=gallery)
    return generation_from_proto((yield _call("Compact", request, timeout_s)).generation)


def roll_back(*, gallery: str, expected_generation: int | None) -> Talk[GenerationInfo]:
    """`Client.roll_back`."""
    request = gallery_pb2.RollBackRequest(gallery=gallery, expected_generation=expected_generation)
    return generation_from_proto((yield _call("RollBack", request)).generation)


def verify(*, gallery: str, timeout_s: float) -> Talk[Verification]:
    """`Client.verify`."""
    response = yield _call("VerifyGallery", gallery_pb2.VerifyGalleryRequest(gallery=gallery), timeout_s)
    return Verification(
        gallery=response.origin.gallery,
        findings=tuple(
            Finding(place=each.place, problem=each.problem, effect=each.effect) for each in response.findings
        ),
        item_count=response.item_count,
        generations=tuple(response.generations),
    )


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call:
    if timeout_s is not None and not timeout_s > 0:
        raise InvalidInput(f"timeout_s is {timeout_s}; wanted seconds above 0", field="timeout_s")
    return Call(service=GALLERY, method=method, request=request, timeout_s=timeout_s)

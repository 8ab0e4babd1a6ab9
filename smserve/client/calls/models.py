"""The models of a gallery: which there are, staging another one, and activating it."""

from __future__ import annotations

from typing import Final

from smserve.client.talk import GALLERY, Call, Talk
from smserve.types.administration import Activation, GalleryModel, ModelState, RefusedItem, StagingProgress
from smserve.v1 import gallery_pb2

__all__ = ["activate_model", "models", "read_staging", "stage_model"]

_STATES: Final = {
    gallery_pb2.MODEL_STATE_IN_USE: ModelState.IN_USE,
    gallery_pb2.MODEL_STATE_STAGED: ModelState.STAGED,
    gallery_pb2.MODEL_STATE_STAGING: ModelState.STAGING,
    gallery_pb2.MODEL_STATE_PREVIOUS: ModelState.PREVIOUS,
}


def models(*, gallery: str) -> Talk[list[GalleryModel]]:
    """`Client.models`."""
    request = gallery_pb2.ListModelsRequest(gallery=gallery)
    response = yield Call(service=GALLERY, method="ListModels", request=request)
    return [
        GalleryModel(
            state=_STATES.get(each.state, ModelState.UNKNOWN),
            model_fingerprint=each.model_fingerprint,
            dimension=each.dimension,
            item_count=each.item_count,
            available=each.available,
        )
        for each in response.models
    ]


def activate_model(
    model_fingerprint: str,
    *,
    gallery: str,
    expected_model_fingerprint: str,
    timeout_s: float,
) -> Talk[Activation]:
    """`Client.activate_model`."""
    request = gallery_pb2.ActivateModelRequest(
        gallery=gallery,
        model_fingerprint=model_fingerprint,
        expected_model_fingerprint=expected_model_fingerprint,
    )
    response = yield Call(service=GALLERY, method="ActivateModel", request=request, timeout_s=timeout_s)
    return Activation(
        gallery=response.origin.gallery,
        generation=response.origin.generation,
        model_fingerprint=response.origin.model_fingerprint,
        previous_model_fingerprint=response.previous_model_fingerprint,
    )


def stage_model(model_fingerprint: str, *, gallery: str, timeout_s: float | None) -> Call:
    """Return the call that stages a model; `read_staging` reads its answers."""
    request = gallery_pb2.StageModelRequest(gallery=gallery, model_fingerprint=model_fingerprint)
    return Call(service=GALLERY, method="StageModel", request=request, timeout_s=timeout_s)


def read_staging(message: gallery_pb2.StageModelResponse) -> StagingProgress:
    """Read how far it is."""
    return StagingProgress(
        embedded_count=message.embedded_count,
        total_count=message.total_count,
        ready=message.ready,
        refused=tuple(
            RefusedItem(item_id=each.item_id, source_uri=each.source_uri, message=each.message)
            for each in message.refused
        ),
        refused_count=message.refused_count,
        gallery=message.origin.gallery,
        model_fingerprint=message.origin.model_fingerprint,
    )

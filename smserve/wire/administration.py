"""What is said of galleries as a whole: their models, damage, and names."""

from typing import Final

from smserve.types.administration import Activation, GalleryModel, ModelState, StagingProgress, Verification
from smserve.v1 import gallery_pb2, types_pb2

__all__ = ["activation_to_proto", "models_to_proto", "staging_to_proto", "verification_to_proto"]

_STATES: Final = {
    ModelState.IN_USE: gallery_pb2.MODEL_STATE_IN_USE,
    ModelState.STAGED: gallery_pb2.MODEL_STATE_STAGED,
    ModelState.STAGING: gallery_pb2.MODEL_STATE_STAGING,
    ModelState.PREVIOUS: gallery_pb2.MODEL_STATE_PREVIOUS,
    ModelState.UNKNOWN: gallery_pb2.MODEL_STATE_UNSPECIFIED,
}


def models_to_proto(models: tuple[GalleryModel, ...], origin: types_pb2.Origin) -> gallery_pb2.ListModelsResponse:
    """Convert the models of a gallery."""
    return gallery_pb2.ListModelsResponse(
        models=[
            gallery_pb2.GalleryModel(
                state=_STATES[model.state],
                model_fingerprint=model.model_fingerprint,
                dimension=model.dimension,
                item_count=model.item_count,
                available=model.available,
            )
            for model in models
        ],
        origin=origin,
    )


def staging_to_proto(progress: StagingProgress, origin: types_pb2.Origin) -> gallery_pb2.StageModelResponse:
    """Convert how far staging is."""
    return gallery_pb2.StageModelResponse(
        embedded_count=progress.embedded_count,
        total_count=progress.total_count,
        ready=progress.ready,
        refused=[
            gallery_pb2.RefusedItem(item_id=each.item_id, source_uri=each.source_uri, message=each.message)
            for each in progress.refused
        ],
        refused_count=progress.refused_count,
        origin=origin,
    )


def activation_to_proto(activation: Activation, origin: types_pb2.Origin) -> gallery_pb2.ActivateModelResponse:
    """Convert a change of models."""
    return gallery_pb2.ActivateModelResponse(
        previous_model_fingerprint=activation.previous_model_fingerprint, origin=origin
    )


def verification_to_proto(found: Verification, origin: types_pb2.Origin) -> gallery_pb2.VerifyGalleryResponse:
    """Convert what a look at every byte found."""
    return gallery_pb2.VerifyGalleryResponse(
        findings=[
            gallery_pb2.Finding(place=each.place, problem=each.problem, effect=each.effect) for each in found.findings
        ],
        item_count=found.item_count,
        generations=found.generations,
        origin=origin,
    )

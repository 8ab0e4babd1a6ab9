"""What galleries are searched with: their generations and their models, and whether all of it is sound."""

from collections.abc import Iterator

import grpc

from smserve.engine import Engine, Origin
from smserve.service.interest import still_wanted
from smserve.v1 import gallery_pb2, types_pb2
from smserve.wire.administration import activation_to_proto, models_to_proto, staging_to_proto, verification_to_proto
from smserve.wire.gallery import generation_to_proto
from smserve.wire.origin import origin_to_proto

__all__ = ["ModelMethods", "origin_of"]


def origin_of(origin: Origin) -> types_pb2.Origin:
    """Convert what a reply was made with."""
    return origin_to_proto(origin.model_fingerprint, origin.gallery, origin.generation)


class ModelMethods:
    """The methods of smserve.v1.GalleryService that show, change and check what galleries are searched with."""

    _engine: Engine

    def ListGenerations(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.ListGenerationsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> gallery_pb2.ListGenerationsResponse:
        """List generations."""
        generations, origin = self._engine.generations.list(request.gallery)
        return gallery_pb2.ListGenerationsResponse(
            generations=map(generation_to_proto, generations), origin=origin_of(origin)
        )

    def Compact(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.CompactRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - who leaves has it done all the same
    ) -> gallery_pb2.CompactResponse:
        """Build the next generation and swap it in."""
        info, origin = self._engine.generations.compact(request.gallery)
        return gallery_pb2.CompactResponse(generation=generation_to_proto(info), origin=origin_of(origin))

    def RollBack(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.RollBackRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - who leaves has it done all the same
    ) -> gallery_pb2.RollBackResponse:
        """Go back to the generation before."""
        expected = request.expected_generation if request.HasField("expected_generation") else None
        info, origin = self._engine.generations.roll_back(request.gallery, expected=expected)
        return gallery_pb2.RollBackResponse(generation=generation_to_proto(info), origin=origin_of(origin))

    def VerifyGallery(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.VerifyGalleryRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - read to its end
    ) -> gallery_pb2.VerifyGalleryResponse:
        """Say what is damaged."""
        found, origin = self._engine.verifications.verify(request.gallery)
        return verification_to_proto(found, origin_of(origin))

    def ListModels(  # noqa: N802 - named by the proto
        self,
        request: gallery_pb2.ListModelsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> gallery_pb2.ListModelsResponse:
        """List models."""
        models, origin = self._engine.activations.list(request.gallery)
        return models_to_proto(models, origin_of(origin))

    def StageModel(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.StageModelRequest, context: grpc.ServicerContext
    ) -> Iterator[gallery_pb2.StageModelResponse]:
        """Embed every item again with another model."""
        for progress, origin in self._engine.staging.stage(
            request.gallery, request.model_fingerprint, still_wanted(context)
        ):
            yield staging_to_proto(progress, origin_of(origin))

    def ActivateModel(  # noqa: N802 - named by the proto
        self, request: gallery_pb2.ActivateModelRequest, context: grpc.ServicerContext
    ) -> gallery_pb2.ActivateModelResponse:
        """Let a gallery be searched with another model."""
        activation, origin = self._engine.activations.activate(
            request.gallery,
            request.model_fingerprint,
            expected=request.expected_model_fingerprint,
            still_wanted=still_wanted(context),
        )
        return activation_to_proto(activation, origin_of(origin))

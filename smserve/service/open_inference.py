"""The Open Inference Protocol's gRPC service: Embed for its clients, tritonclient for example."""

from __future__ import annotations

import grpc
import numpy as np

from smserve.engine import Engine
from smserve.engine.models import Model
from smserve.errors import InvalidInput, ModelNotFound, SmserveError
from smserve.openinference import inference_pb2, inference_pb2_grpc
from smserve.service.interest import still_wanted
from smserve.types import FloatArray
from smserve.version import VERSION
from smserve.wire.tensors import IMAGE, IMAGES, OUTPUT, pictures_from_proto, vectors_to_proto

__all__ = ["OpenInferenceServicer", "add_open_inference"]

_Tensor = inference_pb2.ModelMetadataResponse.TensorMetadata


class OpenInferenceServicer(inference_pb2_grpc.GRPCInferenceServiceServicer):
    """Its one model is that of the first gallery, or the server's where it has none; its version is its fingerprint."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ServerLive(  # noqa: N802 - named by the protocol
        self,
        request: inference_pb2.ServerLiveRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> inference_pb2.ServerLiveResponse:
        """Say that the server runs."""
        return inference_pb2.ServerLiveResponse(live=True)

    def ServerReady(  # noqa: N802 - named by the protocol
        self,
        request: inference_pb2.ServerReadyRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> inference_pb2.ServerReadyResponse:
        """Say that it answers: it is served once the model passed its self-check."""
        return inference_pb2.ServerReadyResponse(ready=True)

    def ModelReady(  # noqa: N802 - named by the protocol
        self,
        request: inference_pb2.ModelReadyRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> inference_pb2.ModelReadyResponse:
        """Say whether that model answers."""
        try:
            self._model(request.name, request.version)
        except ModelNotFound:
            return inference_pb2.ModelReadyResponse(ready=False)
        return inference_pb2.ModelReadyResponse(ready=True)

    def ServerMetadata(  # noqa: N802 - named by the protocol
        self,
        request: inference_pb2.ServerMetadataRequest,  # noqa: ARG002 - it asks nothing
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> inference_pb2.ServerMetadataResponse:
        """Describe the server."""
        return inference_pb2.ServerMetadataResponse(name="smserve", version=VERSION)

    def ModelMetadata(  # noqa: N802 - named by the protocol
        self,
        request: inference_pb2.ModelMetadataRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - answered at once
    ) -> inference_pb2.ModelMetadataResponse:
        """Describe the model: what it takes and gives."""
        model = self._model(request.name, request.version)
        rule = model.manifest.resize
        return inference_pb2.ModelMetadataResponse(
            name=model.name,
            versions=[model.fingerprint],
            platform=f"onnxruntime {model.embedder.provider}",
            inputs=[
                _Tensor(name=IMAGE, datatype="BYTES", shape=[-1]),
                _Tensor(name=IMAGES, datatype="UINT8", shape=[-1, rule.height, rule.width, 3]),
            ],
            outputs=[_Tensor(name=OUTPUT, datatype="FP32", shape=[-1, model.dimension])],
        )

    def ModelInfer(  # noqa: N802 - named by the protocol
        self, request: inference_pb2.ModelInferRequest, context: grpc.ServicerContext
    ) -> inference_pb2.ModelInferResponse:
        """Turn pictures into vectors; one bad picture fails the call, since tensors have no place for its error."""
        self._model(request.model_name, request.model_version)
        pictures = pictures_from_proto(request)
        if isinstance(pictures, list):
            vectors, fingerprint = self._embed(pictures, context)
        else:
            vectors, fingerprint = self._engine.embed_pixels(pictures, still_wanted(context))
        response = inference_pb2.ModelInferResponse(
            model_name=request.model_name, model_version=fingerprint, id=request.id
        )
        vectors_to_proto(np.asarray(vectors, np.float32), response)
        return response

    def _embed(self, pictures: list[bytes], context: grpc.ServicerContext) -> tuple[FloatArray, str]:
        embeddings = self._engine.embed(pictures, still_wanted(context))
        for number, embedding in enumerate(embeddings):
            if isinstance(embedding.error, SmserveError):
                message = f"picture {number} of the input {IMAGE!r}: {embedding.error.message}"
                if isinstance(embedding.error, InvalidInput):
                    raise type(embedding.error)(message, field=f"inputs[0][{number}]")
                raise type(embedding.error)(message)
        return np.stack([each.vector for each in embeddings if each.vector is not None]), embeddings[
            0
        ].model_fingerprint

    def _model(self, name: str, version: str) -> Model:
        """Return the model; raises ModelNotFound where another one is asked for."""
        if self._engine.galleries.has_default:
            with self._engine.galleries.lease("") as served:
                model = served.model
        else:
            model = self._engine.models.default
        if name != model.name or version not in {"", model.fingerprint}:
            raise ModelNotFound(
                f"there is no model {name!r} of version {version!r} here; this server has {model.name!r}, version "
                f"{model.fingerprint}"
            )
        return model


def add_open_inference(server: grpc.Server, engine: Engine) -> None:
    """Let a server answer the protocol."""
    inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(OpenInferenceServicer(engine), server)

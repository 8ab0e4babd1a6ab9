"""Any rpc, asked with any metadata, as a client that is not ours may."""

from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from smserve.openinference import inference_pb2
from smserve.v1 import gallery_pb2, retrieval_pb2

Metadata = tuple[tuple[str, str | bytes], ...]

RPCS = {
    f"/{service.full_name}/{method.name}": method
    for file in (retrieval_pb2.DESCRIPTOR, gallery_pb2.DESCRIPTOR, inference_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}
"""Every rpc of the protos by its path."""

FREE = {f"/inference.GRPCInferenceService/{name}" for name in ("ServerLive", "ServerReady", "ModelReady")}
REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


def bearer(secret: str) -> Metadata:
    return (("authorization", f"Bearer {secret}"),)


def ask(channel: grpc.Channel, path: str, metadata: Metadata = ()) -> grpc.RpcError | None:
    """Send one empty request; returns how it was refused, None where it was answered."""
    method: MethodDescriptor = RPCS[path]
    request: Any = b""
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    call: Any = getattr(channel, kind)(path)
    try:
        answer = call(iter([request]) if method.client_streaming else request, timeout=20, metadata=metadata)
        if method.server_streaming:
            list(answer)
    except grpc.RpcError as error:
        return error
    return None


def code_of(channel: grpc.Channel, path: str, metadata: Metadata = ()) -> grpc.StatusCode:
    error = ask(channel, path, metadata)
    return grpc.StatusCode.OK if error is None else error.code()

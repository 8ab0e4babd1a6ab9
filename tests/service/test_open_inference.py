"""The Open Inference Protocol: by its own messages, and by tritonclient, which nobody here wrote."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.openinference import inference_pb2, inference_pb2_grpc
from smserve.server import Server, open_engine
from tests.support.running import running_server

NAME = "tiny"


@pytest.fixture(scope="module")
def server(tiny_model: Path) -> Iterator[Server]:
    with running_server(open_engine(tiny_model, []), open_inference=True) as server:
        yield server


@pytest.fixture(scope="module")
def stub(server: Server) -> Iterator[inference_pb2_grpc.GRPCInferenceServiceStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield inference_pb2_grpc.GRPCInferenceServiceStub(channel)


@pytest.fixture(scope="module")
def name(stub: inference_pb2_grpc.GRPCInferenceServiceStub, server: Server) -> str:
    with Client(server.address) as client:
        return client.info().model_name


def request(name: str, tensor: str, datatype: str, shape: list[int], raw: bytes) -> inference_pb2.ModelInferRequest:
    message = inference_pb2.ModelInferRequest(model_name=name, id="7", raw_input_contents=[raw])
    message.inputs.add(name=tensor, datatype=datatype, shape=shape)
    return message


def packed(*elements: bytes) -> bytes:
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def vectors(response: inference_pb2.ModelInferResponse) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    (output,) = response.outputs
    assert (output.name, output.datatype) == ("embedding", "FP32")
    return np.frombuffer(response.raw_output_contents[0], "<f4").reshape(tuple(output.shape))


def test_live_and_ready(stub: inference_pb2_grpc.GRPCInferenceServiceStub, name: str) -> None:
    assert stub.ServerLive(inference_pb2.ServerLiveRequest(), timeout=10).live
    assert stub.ServerReady(inference_pb2.ServerReadyRequest(), timeout=10).ready
    assert stub.ModelReady(inference_pb2.ModelReadyRequest(name=name), timeout=10).ready
    assert not stub.ModelReady(inference_pb2.ModelReadyRequest(name="nobody"), timeout=10).ready
    assert not stub.ModelReady(inference_pb2.ModelReadyRequest(name=name, version="2"), timeout=10).ready


def test_metadata(stub: inference_pb2_grpc.GRPCInferenceServiceStub, name: str) -> None:
    assert stub.ServerMetadata(inference_pb2.ServerMetadataRequest(), timeout=10).name == "smserve"
    model = stub.ModelMetadata(inference_pb2.ModelMetadataRequest(name=name), timeout=10)
    assert [(each.name, each.datatype, list(each.shape)) for each in model.inputs] == [
        ("image", "BYTES", [-1]),
        ("images", "UINT8", [-1, 16, 16, 3]),
    ]
    assert [(each.name, each.datatype, list(each.shape)) for each in model.outputs] == [("embedding", "FP32", [-1, 8])]


def test_encoded_pictures_get_the_vectors_of_embed(
    stub: inference_pb2_grpc.GRPCInferenceServiceStub, server: Server, pictures: Path, name: str
) -> None:
    paths = sorted(pictures.rglob("*.png"))[:3]
    data = [path.read_bytes() for path in paths]
    response = stub.ModelInfer(request(name, "image", "BYTES", [3], packed(*data)), timeout=30)
    with Client(server.address) as client:
        wanted = np.stack([each.vector for each in client.embed(data) if each.vector is not None])
    assert response.id == "7"
    np.testing.assert_array_equal(vectors(response), wanted)

    listed = inference_pb2.ModelInferRequest(model_name=name)
    listed.inputs.add(name="image", datatype="BYTES", shape=[3]).contents.bytes_contents.extend(data)
    np.testing.assert_array_equal(vectors(stub.ModelInfer(listed, timeout=30)), wanted)


def test_prepared_pictures(stub: inference_pb2_grpc.GRPCInferenceServiceStub, name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = vectors(stub.ModelInfer(request(name, "images", "UINT8", [2, 16, 16, 3], pixels.tobytes()), timeout=30))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    listed = inference_pb2.ModelInferRequest(model_name=name)
    listed.inputs.add(name="images", datatype="UINT8", shape=[2, 16, 16, 3]).contents.uint_contents.extend(
        pixels.ravel().tolist()
    )
    np.testing.assert_array_equal(vectors(stub.ModelInfer(listed, timeout=30)), found)


@pytest.mark.parametrize(
    ("tensor", "datatype", "shape", "raw", "reason"),
    [
        ("image", "BYTES", [2], packed(b"x"), "INVALID_INPUT"),
        ("image", "BYTES", [1], packed(b"no picture"), "INVALID_IMAGE"),
        ("image", "BYTES", [1], b"\x09\0\0\0x", "INVALID_INPUT"),
        ("image", "BYTES", [1], b"\x09\0", "INVALID_INPUT"),
        ("image", "BYTES", [0], b"", "INVALID_INPUT"),
        ("image", "BYTES", [-1], packed(b"x"), "INVALID_INPUT"),
        ("image", "UINT8", [1], b"x", "INVALID_INPUT"),
        ("images", "UINT8", [1, 16, 16, 3], b"x", "INVALID_INPUT"),
        ("images", "UINT8", [1, 8, 8, 3], bytes(192), "INVALID_INPUT"),
        ("images", "UINT8", [2**40, 2**40, 2**40, 3], b"", "INVALID_INPUT"),
        ("other", "FP32", [1], bytes(4), "INVALID_INPUT"),
    ],
)
def test_wrong_tensors(
    stub: inference_pb2_grpc.GRPCInferenceServiceStub,
    name: str,
    tensor: str,
    datatype: str,
    shape: list[int],
    raw: bytes,
    reason: str,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request(name, tensor, datatype, shape, raw), timeout=30)
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason == reason


def test_another_model(stub: inference_pb2_grpc.GRPCInferenceServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request("nobody", "image", "BYTES", [0], b""), timeout=30)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_it_is_an_option(tiny_model: Path) -> None:
    with (
        running_server(open_engine(tiny_model, [])) as plain,
        grpc.insecure_channel(plain.address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        inference_pb2_grpc.GRPCInferenceServiceStub(channel).ServerLive(inference_pb2.ServerLiveRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


TRITON = """
import sys
import numpy as np
import tritonclient.grpc as triton

address, name, answered, *paths = sys.argv[1:]
client = triton.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
assert not client.is_model_ready("nobody")
assert client.get_server_metadata().name == "smserve"
metadata = client.get_model_metadata(name)
dimension = metadata.outputs[0].shape[1]
data = np.array([open(path, "rb").read() for path in paths], dtype=object)
encoded = triton.InferInput("image", [len(data)], "BYTES")
encoded.set_data_from_numpy(data)
answer = client.infer(name, [encoded], outputs=[triton.InferRequestedOutput("embedding")])
vectors = answer.as_numpy("embedding")
assert vectors.shape == (len(data), dimension) and vectors.dtype == np.float32, vectors.shape
_, height, width, _ = metadata.inputs[1].shape
pixels = triton.InferInput("images", [2, height, width, 3], "UINT8")
pixels.set_data_from_numpy(np.zeros((2, height, width, 3), np.uint8))
assert client.infer(name, [pixels]).as_numpy("embedding").shape == (2, dimension)
try:
    client.infer("nobody", [pixels])
except triton.InferenceServerException as error:
    assert "NOT_FOUND" in str(error.status()), error
else:
    raise SystemExit("a model that is not there answered")
np.save(answered, vectors)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_tritonclient(server: Server, name: str, pictures: Path, tmp_path: Path) -> None:
    """In an environment of its own: its messages and ours can't be loaded together."""
    python = os.environ.get("SMSERVE_TRITON_PYTHON") or _tritonclient_python(tmp_path / "venv")
    paths = [str(path) for path in sorted(pictures.rglob("*.png"))[:3]]
    answered = tmp_path / "vectors.npy"
    script = [python, "-c", TRITON, server.address, name, str(answered), *paths]
    ran = subprocess.run(script, capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    with Client(server.address) as client:
        wanted = np.stack([each.vector for each in client.embed(paths) if each.vector is not None])
    np.testing.assert_array_equal(np.load(answered), wanted)


def _tritonclient_python(folder: Path) -> str:
    if importlib.util.find_spec("ensurepip") is None:
        pytest.skip("this Python makes no virtual environments (no ensurepip), which tritonclient needs one of")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120, capture_output=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "tritonclient[grpc]>=2.60"]
    installed = subprocess.run(install, capture_output=True, timeout=240, check=False, text=True)
    if installed.returncode != 0:
        pytest.skip(f"tritonclient can't be installed; is there a package registry? {installed.stderr[-300:]}")
    return python

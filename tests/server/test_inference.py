"""A server on OpenVINO, with batching across calls: it says what it runs on, and answers as ONNX Runtime does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smserve.client import Client
from smserve.embedder import Embedder, InferenceSettings
from smserve.server import open_engine
from tests.support.running import running_server


@pytest.mark.parametrize(
    ("settings", "runs_on"),
    [
        (InferenceSettings(provider="openvino"), "OpenVINO CPU float32"),
        (InferenceSettings(provider="openvino", max_batch=4, max_batch_delay_ms=5), "OpenVINO CPU float32"),
        (InferenceSettings(max_batch=4, max_batch_delay_ms=5), "CPUExecutionProvider"),
    ],
    ids=["openvino", "openvino, batching", "onnxruntime, batching"],
)
def test_it_answers_as_onnx_runtime_does(
    tiny_model: Path, drawn_gallery: Path, pictures: Path, settings: InferenceSettings, runs_on: str
) -> None:
    files = sorted(pictures.glob("*/*.png"))
    plain = Embedder(tiny_model)
    expected = [plain.embed(plain.prepare(file.read_bytes())[np.newaxis])[0] for file in files]
    engine = open_engine(tiny_model, [("drawn", drawn_gallery)], inference=settings)
    with running_server(engine, max_in_flight=8) as server, Client(server.address) as client:
        assert client.info().provider == runs_on
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda file: client.embed([file])[0].vector, files, timeout=60))
            hits = list(pool.map(lambda file: client.search(file, top_k=1).hits[0].item_id, files, timeout=60))
    np.testing.assert_allclose(np.stack(found), np.stack(expected), rtol=0, atol=1e-5)  # type: ignore[arg-type]  # vectors
    assert hits == [file.relative_to(pictures).as_posix() for file in files]

"""The models of an engine: warm before they are asked, and all run by the same."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smserve.embedder import Embedder, InferenceSettings
from smserve.embedder.backend import Backend, Signature
from smserve.engine import Engine
from smserve.server import open_engine
from smserve.types import FloatArray
from tests.engine.conftest import House

OPENVINO = InferenceSettings(provider="openvino", max_batch=8)


class Recording(Backend):
    """A backend that notes the sizes of its batches."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.sizes: list[int] = []

    @property
    def name(self) -> str:
        return self._backend.name

    @property
    def signature(self) -> Signature:
        return self._backend.signature

    @property
    def metadata(self) -> Mapping[str, str]:
        return self._backend.metadata

    def run(self, pixels: NDArray[np.uint8]) -> FloatArray:
        self.sizes.append(len(pixels))
        return self._backend.run(pixels)


@pytest.mark.parametrize(
    ("settings", "sizes"), [(InferenceSettings(), [1, 16]), (InferenceSettings(max_batch=6), [1, 2, 4, 6, 16])]
)
def test_an_engine_runs_every_size_of_batch_once_before_it_is_asked(
    tiny_model: Path, settings: InferenceSettings, sizes: list[int]
) -> None:
    embedder = Embedder(tiny_model, settings)
    recording = Recording(embedder._backend)
    embedder._backend = recording  # type: ignore[misc]  # in place of the one that it was made with
    engine = Engine(embedder, {})
    assert recording.sizes == sizes
    engine.close()


def test_a_model_that_is_loaded_later_is_run_by_the_same(house: House) -> None:
    engine = open_engine(house.models / "old.onnx", [], models=house.models, inference=OPENVINO)
    later = engine.models.get(house.new.fingerprint)
    assert later.embedder.settings == OPENVINO
    assert later.embedder.provider == engine.models.default.embedder.provider == "OpenVINO CPU float32"
    engine.close()

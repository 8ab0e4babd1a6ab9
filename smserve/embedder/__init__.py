"""Pictures to vectors: the only part of smserve that touches ONNX Runtime and OpenVINO."""

from smserve.embedder.embedder import Embedder
from smserve.embedder.settings import InferenceSettings, Precision, Provider

__all__ = ["Embedder", "InferenceSettings", "Precision", "Provider"]

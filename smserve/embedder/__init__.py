"""Pictures to vectors: the only part of smserve that touches ONNX Runtime."""

from smserve.embedder.embedder import Embedder

__all__ = ["Embedder"]

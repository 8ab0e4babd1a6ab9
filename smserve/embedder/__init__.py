"""Pictures to vectors: the only part of smserve that touches ONNX Runtime."""

from smserve.embedder.onnx_embedder import OnnxEmbedder

__all__ = ["OnnxEmbedder"]

"""The network: a backbone by name, a linear head, unit norm; everything from uint8 pixels on."""

from training.model.embedding_net import EmbeddingNet, build_model
from training.model.registry import BACKBONES, Backbone

__all__ = ["BACKBONES", "Backbone", "EmbeddingNet", "build_model"]

"""The network: a backbone by name, a linear head, unit norm; everything from uint8 pixels on."""

from training.model.embedding_net import EmbeddingNet, build_model, check_picture_size
from training.model.registry import BACKBONES, Backbone, backbone_names, find_backbone

__all__ = [
    "BACKBONES",
    "Backbone",
    "EmbeddingNet",
    "backbone_names",
    "build_model",
    "check_picture_size",
    "find_backbone",
]

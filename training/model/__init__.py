"""The network: a backbone by name, a linear head, unit norm; everything from uint8 pixels on."""

from training.model.discriminant import ClassScatter, discriminant_head
from training.model.embedding_net import EmbeddingNet, build_model, check_picture_size
from training.model.registry import BACKBONES, Backbone, backbone_names, find_backbone

__all__ = [
    "BACKBONES",
    "Backbone",
    "ClassScatter",
    "EmbeddingNet",
    "backbone_names",
    "build_model",
    "check_picture_size",
    "discriminant_head",
    "find_backbone",
]

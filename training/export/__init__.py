"""From a trained network to the one file that serving needs."""

from training.export.agreement import MAX_DIFFERENCE, NEIGHBOURS
from training.export.model import export_model
from training.export.network import OnnxNetwork

__all__ = ["MAX_DIFFERENCE", "NEIGHBOURS", "OnnxNetwork", "export_model"]

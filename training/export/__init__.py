"""From a trained network to the one file that serving needs."""

from training.export.agreement import MAX_DIFFERENCE
from training.export.model import export_model

__all__ = ["MAX_DIFFERENCE", "export_model"]

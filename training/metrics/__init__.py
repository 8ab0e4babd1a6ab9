"""How good an embedding is, on classes that training has not seen."""

from training.metrics.clustering import normalised_mutual_information
from training.metrics.retrieval import RetrievalFigures, retrieval_figures

__all__ = ["RetrievalFigures", "normalised_mutual_information", "retrieval_figures"]

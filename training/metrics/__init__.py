"""How good an embedding is, on classes that training has not seen."""

from training.metrics.clustering import nmi_of_clusters, normalised_mutual_information
from training.metrics.retrieval import RetrievalFigures, retrieval_figures

__all__ = ["RetrievalFigures", "nmi_of_clusters", "normalised_mutual_information", "retrieval_figures"]

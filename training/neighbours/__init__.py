"""Every picture's nearest pictures: by exact search, or by a neighbour graph as the paper has it."""

from training.neighbours.exact import nearest_neighbours
from training.neighbours.graph import GraphFigures, graph_neighbours

__all__ = ["GraphFigures", "graph_neighbours", "nearest_neighbours"]

"""What the paper's tables print: Harwood et al., ICCV 2017 (arXiv 1704.01285), tables 1 and 2, in per cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["PUBLISHED", "PublishedRow"]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """NMI, and Recall@K at K = 1, 2, 4, 8."""

    nmi: float
    recall_at_1: float
    recall_at_2: float
    recall_at_4: float
    recall_at_8: float


PUBLISHED: Final[Mapping[str, Mapping[str, PublishedRow]]] = {
    "cub": {
        "semi-hard": PublishedRow(55.38, 42.59, 55.03, 66.44, 77.23),
        "triplet-global": PublishedRow(58.61, 49.04, 60.97, 72.33, 81.85),
        "graph": PublishedRow(58.10, 45.90, 57.65, 69.63, 79.83),
        "graph-global": PublishedRow(60.09, 49.44, 61.60, 73.09, 82.85),
        "adaptive": PublishedRow(59.90, 49.78, 62.34, 74.05, 83.31),
    },
    "cars196": {
        "semi-hard": PublishedRow(53.35, 51.54, 63.78, 73.52, 82.41),
        "triplet-global": PublishedRow(58.20, 61.41, 72.51, 81.75, 88.39),
        "graph": PublishedRow(58.24, 56.11, 68.34, 77.99, 85.92),
        "graph-global": PublishedRow(59.70, 64.20, 75.22, 83.24, 88.94),
        "adaptive": PublishedRow(59.50, 64.65, 76.20, 84.23, 90.19),
    },
}
"""Data set -> row of `PAPER_ROWS` -> figures."""

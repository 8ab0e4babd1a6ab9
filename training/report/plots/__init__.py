"""The plots of a report, drawn by Bokeh: the one place that knows it."""

from training.report.plots.curves import (
    plot_active_share,
    plot_difficulty,
    plot_loss,
    plot_recall_at_k,
    plot_validation,
)
from training.report.plots.embedding import embed, library
from training.report.plots.embedding_map import plot_map
from training.report.plots.reliability import plot_probability, plot_reliability

__all__ = [
    "embed",
    "library",
    "plot_active_share",
    "plot_difficulty",
    "plot_loss",
    "plot_map",
    "plot_probability",
    "plot_recall_at_k",
    "plot_reliability",
    "plot_validation",
]

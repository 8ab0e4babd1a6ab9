"""One self-contained page of one run, or of several side by side: curves, pictures, figures, how to repeat it."""

from training.report.contents import ClassRow, EmbeddingMap, Neighbour, NeighbourRow, RunReport, TestView
from training.report.page import check_runs, render_page
from training.report.view import Embedded, view_test

__all__ = [
    "ClassRow",
    "Embedded",
    "EmbeddingMap",
    "Neighbour",
    "NeighbourRow",
    "RunReport",
    "TestView",
    "check_runs",
    "render_page",
    "view_test",
]

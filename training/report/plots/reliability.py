"""How far calibrated probabilities can be relied on."""

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from smserve.model_file import Calibration
from training.calibration import Reliability
from training.report.plots.axes import COLOURS, add_line, new_figure, style_legend

__all__ = ["plot_probability", "plot_reliability"]

_HEIGHT = 350  # pixels, with two lines of a legend


def plot_reliability(measured: dict[str, Reliability]) -> figure:
    """Return the reliability diagram: what came true against what was said; on the dashed line both are equal."""
    plot = new_figure("Reliability", "probability that was said", "share that came true", height=_HEIGHT, within=(0, 1))
    plot.x_range = Range1d(start=0, end=1)
    plot.line([0, 1], [0, 1], color="#8a919c", line_dash="dashed")
    most = max(int(each.pairs.max()) for each in measured.values())
    for place, (name, each) in enumerate(measured.items()):
        colour = COLOURS[place]
        columns = {
            "x": each.said.round(4).tolist(),
            "y": each.came_true.round(4).tolist(),
            "pairs": each.pairs.tolist(),
            "size": (5 + 13 * np.sqrt(each.pairs / most)).tolist(),
        }
        source = ColumnDataSource(columns)
        text = f"{name}, error {each.error:.3f}"
        plot.line("x", "y", source=source, color=colour, line_width=2, legend_label=text)
        points = plot.scatter("x", "y", source=source, color=colour, size="size", alpha=0.7, legend_label=text)
        said = [("said", "@x{0.00}"), ("came true", "@y{0.00}"), ("pairs", "@pairs{0,0}")]
        plot.add_tools(HoverTool(renderers=[points], tooltips=said, visible=False))
    style_legend(plot, columns=1)
    return plot


def plot_probability(calibration: Calibration) -> figure:
    """Return the probability as a function of the cosine."""
    plot = new_figure("Probability of “same class”", "cosine", "probability", height=_HEIGHT, within=(0, 1))
    cosines = np.linspace(-0.2, 1, 61)
    add_line(
        plot,
        "probability",
        cosines.round(2).tolist(),
        calibration.probability(cosines).round(4).tolist(),
        COLOURS[0],
        x_value="@x{0.00}",
        points=False,
    )
    plot.legend[0].visible = False
    return plot

"""What all plots have alike: size, letters, grid, colours, tools."""

from collections.abc import Sequence
from typing import Any, Final

from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.models.annotations import Title
from bokeh.plotting import figure

__all__ = ["COLOURS", "add_line", "new_figure", "style_legend"]

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#8c510a")
"""Okabe and Ito's, which the colour-blind tell apart."""
_INK: Final = "#3a4250"
_GRID: Final = "#e6e9ee"
_FONT: Final = "system-ui, sans-serif"


def new_figure(
    title: str, x: str, y: str, *, height: int | None = 300, within: tuple[float, float] | None = None, **settings: Any
) -> figure:
    """Return empty axes as wide as the page leaves room for.

    Args:
        title: Above the plot.
        x: What is to the right.
        y: What is up.
        height: Pixels; None for as high as its place on the page.
        within: Ends of the y axis; None fits them to the data.
        settings: Of Bokeh's figure.
    """
    plot = figure(
        title=Title(text=title, text_font=_FONT, text_color=_INK, text_font_size="14px"),
        x_axis_label=x,
        y_axis_label=y,
        height=height,
        sizing_mode="stretch_width" if height else "stretch_both",
        tools="pan,box_zoom,reset,save",
        **settings,
    )
    if within is not None:
        plot.y_range = Range1d(start=within[0], end=within[1])
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.outline_line_color = None
    plot.grid.grid_line_color = _GRID
    for axis in plot.axis:
        axis.axis_label_text_font = axis.major_label_text_font = _FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = _INK
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = "#b4bac4"
    return plot


def add_line(
    plot: figure,
    name: str,
    x: Sequence[float] | Sequence[str],
    y: Sequence[float | None],
    colour: str,
    *,
    dashed: bool = False,
    x_value: str = "@x{0,0}",
    points: bool = True,
) -> None:
    """Draw a line, as a rule with its points; a None in `y` is a gap.

    Args:
        plot: Where.
        name: In the legend and beside the pointer.
        x: Of the points.
        y: As many.
        colour: Of line and points.
        dashed: For what was wanted rather than measured.
        x_value: How an x is written beside the pointer.
        points: Whether to draw them.
    """
    numbers = [float("nan") if each is None else float(each) for each in y]
    source = ColumnDataSource({"x": list(x), "y": numbers})
    dash = "dashed" if dashed else "solid"
    plot.line("x", "y", source=source, color=colour, line_width=2, line_dash=dash, legend_label=name)
    marks = plot.scatter("x", "y", source=source, color=colour, size=6 if points else 0, legend_label=name)
    tooltips = [(name, "@y{0.0000}"), (str(plot.xaxis[0].axis_label), x_value)]
    plot.add_tools(HoverTool(renderers=[marks], tooltips=tooltips, visible=False))
    style_legend(plot)


def style_legend(plot: figure, *, columns: int = 3) -> None:
    """Put the legend below the axes, where it hides no point; a click on a name hides what it names."""
    legend = plot.legend[0]
    if legend in plot.center:
        plot.add_layout(legend, "below")
    legend.orientation, legend.click_policy = "horizontal", "hide"
    legend.label_text_font, legend.label_text_color, legend.label_text_font_size = _FONT, _INK, "12px"
    legend.border_line_color = None
    legend.location, legend.spacing, legend.ncols = "bottom_left", 10, columns
    legend.glyph_width = 16  # three names find room on a telephone

"""The test pictures on a plane; beside the pointer stands the picture."""

import zlib
from collections.abc import Sequence
from typing import Final

from bokeh.models import ColumnDataSource, HoverTool
from bokeh.palettes import Category20
from bokeh.plotting import figure

from training.report.contents import EmbeddingMap
from training.report.plots.axes import new_figure, style_legend

__all__ = ["plot_map"]

_TOOLTIP: Final = """
<div style="display:flex;gap:8px;align-items:center;font:13px system-ui,sans-serif">
  <img src="@picture" alt="" style="max-width:64px;min-width:48px">
  <div><b>@class_name</b><br>@name<br>@verdict</div>
</div>"""
_PALETTE: Final = Category20[20]


def plot_map(points: EmbeddingMap) -> figure:
    """Return the map: a colour a class, as far as there are colours; a cross where the nearest picture is wrong."""
    plot = new_figure("", "", "", height=None, match_aspect=True)
    plot.add_tools("wheel_zoom")
    plot.axis.visible = False
    plot.grid.visible = False
    plot.border_fill_color = plot.background_fill_color = "#fbfbfc"
    colours = _colours(points.class_names)
    for right, name, marker in ((True, "nearest is right", "circle"), (False, "nearest is wrong", "x")):
        chosen = [index for index, each in enumerate(points.right) if bool(each) is right]
        if not chosen:
            continue
        names = [points.class_names[index] for index in chosen]
        source = ColumnDataSource(
            {
                "x": points.places[chosen, 0].round(2).tolist(),
                "y": points.places[chosen, 1].round(2).tolist(),
                "picture": [points.pictures[index] for index in chosen],
                "class_name": names,
                "name": [points.names[index] for index in chosen],
                "verdict": [name] * len(chosen),
                "colour": [colours[each] for each in names],
            }
        )
        drawn = plot.scatter(
            "x",
            "y",
            source=source,
            marker=marker,
            size=8 if right else 7,
            color="colour",
            line_width=0.5 if right else 2,
            alpha=0.85,
            legend_label=f"{name} ({len(chosen):,})",
        )
        plot.add_tools(HoverTool(renderers=[drawn], tooltips=_TOOLTIP, visible=False))
    style_legend(plot, columns=1)
    return plot


def _colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour a class: of its own while there are enough, else by a hash, so that it stays from run to run."""
    classes = sorted(set(names))
    if len(classes) <= len(_PALETTE):
        return dict(zip(classes, _PALETTE, strict=False))
    return {name: _PALETTE[zlib.crc32(name.encode()) % len(_PALETTE)] for name in classes}

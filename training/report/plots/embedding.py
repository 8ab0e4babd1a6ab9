"""Plots as parts of a page."""

from collections.abc import Mapping

from bokeh.embed import components
from bokeh.plotting import figure
from bokeh.resources import Resources

__all__ = ["embed", "library"]


def library() -> str:
    """Return the script that draws, inside a tag; nothing is fetched."""
    return str(Resources(mode="inline", components=["bokeh"]).render())


def embed(plots: Mapping[str, figure]) -> tuple[str, dict[str, str]]:
    """Return a script, inside a tag, that draws all plots, and the places to draw them in by name."""
    if not plots:
        return "", {}
    script, places = components(dict(plots))
    return script, places

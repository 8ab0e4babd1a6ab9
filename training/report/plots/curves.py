"""Curves over the epochs of one run, or of several against the pictures that they cost."""

import re
from collections.abc import Sequence

from bokeh.models import BasicTicker, NumeralTickFormatter
from bokeh.plotting import figure

from training.report.contents import RunReport
from training.report.plots.axes import COLOURS, add_line, new_figure, style_legend

__all__ = ["plot_active_share", "plot_difficulty", "plot_loss", "plot_recall_at_k", "plot_validation"]

_RUNS_A_LINE = 2  # of a legend, since their names are long
_CURVES_A_LINE = 3
_VALIDATION = re.compile(r"validation_recall_at_(\d+)")


def plot_validation(runs: Sequence[RunReport]) -> figure | None:
    """Return Recall@K on the validation classes after each epoch; of several runs Recall@1. None where none was."""
    if len(runs) > 1:
        return _over_runs(runs, "validation_recall_at_1", "Recall@1 on validation classes", "Recall@1")
    names = sorted({name for line in runs[0].epochs for name in line if _VALIDATION.fullmatch(name)}, key=_k)
    return _of_one(runs[0], {f"K = {_k(name)}": name for name in names}, "Recall@K on validation classes", "Recall@K")


def plot_loss(runs: Sequence[RunReport]) -> figure | None:
    """Return the objective's mean over each epoch; of one run its parts too."""
    if len(runs) > 1:
        return _over_runs(runs, "loss", "Loss", "mean loss")
    parts = {"loss": "loss", "pair loss": "pair_loss", "global loss": "global_loss"}
    return _of_one(runs[0], parts, "Loss", "mean loss")


def plot_active_share(runs: Sequence[RunReport]) -> figure | None:
    """Return the share that cost something, which is the controller's error; of one run the target too."""
    title, label = "Active share", "share (the controller's error)"
    if len(runs) > 1:
        return _over_runs(runs, "active_share", title, label)
    parts = {"active share": "active_share", "of mined triplets": "mined_active_share", "target": "controller_target"}
    return _of_one(runs[0], parts, title, label, dashed="target")


def plot_difficulty(runs: Sequence[RunReport]) -> figure | None:
    """Return what the controller set for each epoch; None where nothing was mined."""
    triplets = {run.config["sampler"]["kind"] == "triplets" for run in runs}
    label = {True: "κ (larger is easier)", False: "share from neighbour classes"}[triplets.pop()]
    if triplets:  # runs of both kinds: their numbers share no unit
        label = "difficulty"
    if len(runs) > 1:
        return _over_runs(runs, "difficulty", "Difficulty that was mined at", label)
    parts = {"used": "difficulty", "set for the next epoch": "next_difficulty"}
    return _of_one(runs[0], parts, "Difficulty that was mined at", label, dashed="set for the next epoch")


def plot_recall_at_k(runs: Sequence[RunReport]) -> figure:
    """Return Recall@K on the test classes against K."""
    names = sorted({name for run in runs for name in run.figures if name.startswith("recall_at_")}, key=_k)
    ks = [str(_k(name)) for name in names]
    plot = new_figure("Recall@K on test classes", "K", "Recall@K", x_range=ks)
    for place, run in enumerate(runs):
        values = [run.figures.get(name) for name in names]
        add_line(plot, run.name, ks, values, COLOURS[place % len(COLOURS)], x_value="@x")
    plot.legend[0].visible = len(runs) > 1
    style_legend(plot, columns=_RUNS_A_LINE)
    return plot


def _k(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


def _of_one(
    run: RunReport, names: dict[str, str], title: str, label: str, *, dashed: str | None = None
) -> figure | None:
    """Draw some values of each epoch's line; those that no line has are left out."""
    shown = {text: name for text, name in names.items() if any(line.get(name) is not None for line in run.epochs)}
    if not shown:
        return None
    plot = new_figure(title, "epoch", label)
    epochs = [line["epoch"] for line in run.epochs]
    for place, (text, name) in enumerate(shown.items()):
        values = [line.get(name) for line in run.epochs]
        add_line(plot, text, epochs, values, COLOURS[place % len(COLOURS)], dashed=text == dashed)
    if len(shown) > _CURVES_A_LINE:
        style_legend(plot, columns=2)
    plot.xaxis[0].ticker = BasicTicker(min_interval=1, num_minor_ticks=0)  # epochs are whole
    return plot


def _over_runs(runs: Sequence[RunReport], name: str, title: str, label: str) -> figure | None:
    """Draw one value of each run's epochs."""
    if not any(line.get(name) is not None for run in runs for line in run.epochs):
        return None
    plot = new_figure(title, "pictures through the network", label)
    for place, run in enumerate(runs):
        cost = [line["embedded_pictures"] for line in run.epochs]
        values = [line.get(name) for line in run.epochs]
        add_line(plot, run.name, cost, values, COLOURS[place % len(COLOURS)])
    style_legend(plot, columns=_RUNS_A_LINE)
    plot.xaxis[0].ticker = BasicTicker(desired_num_ticks=4)  # long numbers find room on a telephone
    plot.xaxis[0].formatter = NumeralTickFormatter(format="0,0")
    return plot

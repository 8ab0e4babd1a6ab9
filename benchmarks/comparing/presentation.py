"""The table of each data set and the figure of all, written beside the records."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparing.contenders import CONTENDERS, SMART_PLUS
from benchmarks.comparing.standings import joined_runs

__all__ = ["write_figure", "write_table"]

Record = Mapping[str, Any]


def write_table(path: Path, runs: Mapping[str, Sequence[Record]]) -> str:
    """Write a Markdown table, best first, and return it; `runs` are those of `standings.joined_runs` by method."""
    lines = [
        "| method | seeds | Recall@1, mean (smallest to largest) | forwards, pictures | backwards | seconds, least |",
        "|---|---|---|---|---|---|",
    ]
    order = sorted((name for name in runs if runs[name]), key=lambda name: -_mean(runs[name], "recall_at_1"))
    for name in order:
        recalls = [100 * run["recall_at_1"] for run in runs[name]]
        cells = [
            CONTENDERS[name].title,
            str(len(recalls)),
            f"{statistics.fmean(recalls):.1f} ({min(recalls):.1f} to {max(recalls):.1f})",
            f"{_mean(runs[name], 'embedded_pictures'):,.0f}",
            f"{_mean(runs[name], 'trained_pictures'):,.0f}",
            f"{min(run['seconds'] for run in runs[name]):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    return text


def write_figure(path: Path, finals: Mapping[str, Mapping[str, Sequence[Record]]]) -> None:
    """Draw what became of each method, an SVG: a row a data set, with its curves and its Recall@1 on the test classes.

    A curve is Recall@1 on the validation classes, where pictures ask all others, of other visits or not; it is the
    mean over runs that end their epochs at different places, and begins where the last of them has ended one. That
    against seconds is of the fastest run: others may have had a busier machine.

    Args:
        path: Of the figure.
        finals: Data set -> method -> records of its final runs with all pictures.
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "methods", "svg.fonttype": "none"})  # the same file for the same records
    palette = mpl.colormaps["tab20"]
    colours = {name: mpl.colors.to_hex(palette(place)) for place, name in enumerate(CONTENDERS)}
    colours[SMART_PLUS] = "black"
    figure, rows = plt.subplots(len(finals), 3, figsize=(16, 3.6 * len(finals)), layout="constrained", squeeze=False)
    for (data_set, methods), axes in zip(finals.items(), rows, strict=True):
        for name, records in methods.items():
            fastest = min(records, key=lambda record: float(record["seconds"]))
            for axis, curve in zip(axes, (_mean_curve(records, 0), _mean_curve([fastest], 1)), strict=False):
                axis.plot(*curve, color=colours[name], linewidth=2.5 if name == SMART_PLUS else 1.2)
        _draw_recalls(axes[2], methods, colours)
        axes[0].set_ylabel(f"{data_set}: Recall@1, %")
        axes[0].set_xlabel("embedded pictures (validation classes)")
        axes[1].set_xlabel("seconds, the fastest run (validation classes)")
        axes[2].set_xlabel("at the end, a dot a seed (test classes)")
        axes[0].locator_params(axis="x", nbins=4)
        for axis in axes:
            axis.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _mean_curve(records: Sequence[Record], cost: int) -> tuple[Any, Any]:
    """Return costs and the mean Recall@1 of runs there, %; `cost` is 0 for pictures and 1 for seconds."""
    points = [[point for point in record["curve"] if point[2] is not None] for record in records]
    curves = [np.array([(point[cost], 100 * point[2]) for point in curve]) for curve in points if curve]
    if not curves:  # all collapsed
        return [], []
    costs = np.linspace(max(curve[0, 0] for curve in curves), max(curve[-1, 0] for curve in curves))
    return costs, np.mean([np.interp(costs, *curve.T) for curve in curves], axis=0)


def _draw_recalls(axis: Any, methods: Mapping[str, Sequence[Record]], colours: Mapping[str, str]) -> None:
    """Draw a line of dots a method, the best on top; its name, in its colour, is the legend of the other axes too."""
    runs = {name: joined_runs(records, sorted({each["fold"] for each in records})) for name, records in methods.items()}
    order = sorted(runs, key=lambda name: _mean(runs[name], "recall_at_1"))
    for height, name in enumerate(order):
        recalls = [100 * run["recall_at_1"] for run in runs[name]]
        axis.plot(recalls, [height] * len(recalls), ".", color=colours[name])
        axis.plot(np.mean(recalls), height, "|", color=colours[name], markersize=14, markeredgewidth=2)
    axis.set_yticks(range(len(order)), [CONTENDERS[name].title for name in order], fontsize="small")
    for label, name in zip(axis.get_yticklabels(), order, strict=True):
        label.set_color(colours[name])


def _mean(runs: Sequence[Record], name: str) -> float:
    return statistics.fmean(run[name] for run in runs)

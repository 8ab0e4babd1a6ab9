"""The table and the figure of a data set, written beside the records."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparing.contenders import CONTENDERS, SMART_PLUS

__all__ = ["write_figure", "write_table"]

Record = Mapping[str, Any]


def write_table(path: Path, runs: Mapping[str, Sequence[Record]]) -> str:
    """Write a Markdown table, best first, and return it; `runs` are those of `standings.joined_runs` by method."""
    lines = [
        "| method | seeds | Recall@1, mean (smallest to largest) | forwards, pictures | of them backwards | seconds |",
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
            f"{_mean(runs[name], 'seconds'):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    return text


def write_figure(path: Path, finals: Mapping[str, Sequence[Record]]) -> None:
    """Write curves of validation Recall@1 against embedded pictures and seconds, an SVG.

    Runs of a method end their epochs at different places, so its curve is that of its first fold and seed. Validation
    pictures ask all others, of other visits or not.
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "methods"  # the same file for the same records
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for name, records in finals.items():
        first = min(records, key=lambda record: (record["fold"], record["seed"]))
        points = [point for point in first["curve"] if point[2] is not None]
        for place, axis in enumerate(axes):
            axis.plot(
                [point[place] for point in points],
                [100 * point[2] for point in points],
                label=CONTENDERS[name].title,
                linewidth=2.5 if name == SMART_PLUS else 1.2,
            )
    for axis, label in zip(axes, ("embedded pictures, those of mining included", "seconds"), strict=True):
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("Recall@1 on validation classes, %")
    axes[0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _mean(runs: Sequence[Record], name: str) -> float:
    return statistics.fmean(run[name] for run in runs)

"""Runs side by side: their figures, and the settings in which they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.report.contents import RunReport

__all__ = ["Cell", "differing_settings", "figure_table", "title_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure as it is shown, and whether it is the best."""

    text: str
    best: bool = False


def figure_table(runs: Sequence[RunReport]) -> list[tuple[str, list[Cell]]]:
    """Return a row a figure, in the order in which they are measured, with a cell a run.

    Best figures are marked among several runs on the same data, where they differ.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.figures))
    comparable = len(runs) > 1 and len({run.dataset for run in runs}) == 1
    rows = []
    for name in names:
        values = [run.figures.get(name) for run in runs]
        shares = [value for value in values if isinstance(value, float)]
        best = max(shares) if comparable and len(set(shares)) > 1 else None
        cells = [Cell(text=_text(value), best=best is not None and value == best) for value in values]
        rows.append((title_of(name), cells))
    rows.append(("pictures through the network", [Cell(text=_text(_cost(run))) for run in runs]))
    return rows


def differing_settings(runs: Sequence[RunReport]) -> list[tuple[str, list[str]]]:
    """Return the settings, data set included, that not all runs have alike: the dotted name and a value a run."""
    flat = [{"dataset": run.dataset, **_flatten(run.config)} for run in runs]
    names = dict.fromkeys(name for settings in flat for name in settings)
    rows = [(name, [str(settings.get(name, "")) for settings in flat]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def title_of(name: str) -> str:
    """Return a figure's name as the papers print it."""
    if name.startswith("recall_at_"):
        return f"Recall@{name.removeprefix('recall_at_')}"
    return {"map_at_r": "MAP@R", "nmi": "NMI"}.get(name, name.replace("_", " "))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f} %" if isinstance(value, float) else f"{value:,}"


def _cost(run: RunReport) -> int | None:
    return run.epochs[-1].get("embedded_pictures") if run.epochs else None


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat

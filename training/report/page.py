"""The page: one HTML file that fetches nothing, by Jinja2."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

from smserve.errors import InvalidInput
from training.report.card import model_card
from training.report.comparison import differing_settings, figure_table
from training.report.contents import RunReport

__all__ = ["check_runs", "render_page"]

_MOST_RUNS: Final = 8  # as many as there are colours


def check_runs(names: Sequence[str]) -> None:
    """Refuse what can't stand on one page.

    Raises:
        InvalidInput: No run, too many, or two of one name.
    """
    if not 1 <= len(names) <= _MOST_RUNS:
        raise InvalidInput(f"{len(names)} runs for one report; wanted 1 to {_MOST_RUNS}", field="runs")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"two runs are named {twice[0]!r}; give each run once, and name them apart", field="runs")


def render_page(runs: Sequence[RunReport]) -> str:
    """Return the page of one run, or of several side by side.

    Raises:
        InvalidInput: No run, too many, or two of one name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from training.report.plots import embed, library

    names = [run.name for run in runs]
    check_runs(names)
    script, places = embed(_plots(runs))
    environment = Environment(
        loader=PackageLoader("training.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = resources.files("training.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        title=" · ".join(names),
        runs=[_shown(run, number) for number, run in enumerate(runs)],
        several=len(runs) > 1,
        one_data_set=len({run.dataset for run in runs}) == 1,
        figures=figure_table(runs),
        differing=differing_settings(runs),
        plots={name: Markup(place) for name, place in places.items()},  # noqa: S704 - Bokeh's own elements
        library=Markup(library()),  # noqa: S704 - the same
        script=Markup(script),  # noqa: S704 - the same; it escapes what the data holds
        style=Markup(style),  # noqa: S704 - our own file
    )


def _shown(run: RunReport, number: int) -> dict[str, Any]:
    recall = run.figures.get("recall_at_1")
    return {
        "number": number,
        "report": run,
        "card": model_card(run),
        "settings": json.dumps(run.config, indent=1, ensure_ascii=False),
        "recall_at_1": None if recall is None else f"{100 * recall:.1f} %",
        "seconds": sum(line.get("epoch_s", 0.0) for line in run.epochs),
    }


def _plots(runs: Sequence[RunReport]) -> dict[str, Any]:
    """Return what is drawn, by name; those of one run carry its number."""
    from training.report import plots

    drawn: dict[str, Any] = {
        "validation": plots.plot_validation(runs),
        "recall": plots.plot_recall_at_k(runs),
        "loss": plots.plot_loss(runs),
        "active": plots.plot_active_share(runs),
        "difficulty": plots.plot_difficulty(runs),
    }
    for number, run in enumerate(runs):
        if run.test.map is not None:
            drawn[f"map-{number}"] = plots.plot_map(run.test.map)
        if run.calibration is not None:
            measured = {"validation classes": run.calibration.unseen}
            if run.test_reliability is not None:
                measured["test classes"] = run.test_reliability
            drawn[f"reliability-{number}"] = plots.plot_reliability(measured)
            drawn[f"probability-{number}"] = plots.plot_probability(run.calibration.calibration)
    return {name: plot for name, plot in drawn.items() if plot is not None}

"""`python -m training table`: every row of the paper's tables over several seeds, beside the paper's figures."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table

from training.commands.options import ALLOW_SUBSET, DATA_DIR, DEVICE, RUN_DIR
from training.commands.running import changed, run_in_folder
from training.console import describe, stage_progress

if TYPE_CHECKING:
    from training.recipes import PublishedRow

__all__ = ["table"]

_COLUMNS: Final = {
    "nmi": "NMI",
    "recall_at_1": "R@1",
    "recall_at_2": "R@2",
    "recall_at_4": "R@4",
    "recall_at_8": "R@8",
    "map_at_r": "MAP@R",
}


@click.command()
@click.argument("name", metavar="cub|cars196|emoji")
@click.option("--dataset", metavar="NAME", show_default="that of the table", help="For example cub:DIR.")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, default=(0, 1, 2), help="A run each.")
@click.option("--row", "rows", metavar="NAME", multiple=True, show_default="all", help="See below; may be repeated.")
@click.option("--epochs", type=click.IntRange(1), show_default="the recipe's", help="Another number of epochs.")
@click.option(
    "--weights", metavar="FILE", help="The backbone's weights: a .pth or .safetensors file, or `none` for random ones."
)
@RUN_DIR
@ALLOW_SUBSET
@DATA_DIR
@DEVICE
def table(
    *,
    name: str,
    dataset: str | None,
    seeds: Sequence[int],
    rows: Sequence[str],
    epochs: int | None,
    weights: str | None,
    run_dir: Path,
    allow_subset: bool,
    data_dir: Path,
    device: str,
) -> None:
    """Train every row of the paper's table over several seeds, and print the figures beside the paper's.

    Rows: semi-hard, triplet-global, graph, graph-global, adaptive, adaptive-validation, transposed. The runs are kept
    below RUN_DIR/table-NAME; an interrupted table goes on where it stopped when it is asked for again.
    """
    from smserve.errors import InvalidInput
    from training.datasets import load_dataset
    from training.recipes import PAPER_ROWS, PUBLISHED, TABLES, find_recipe
    from training.trainer import RunFolder

    if name not in TABLES:
        raise InvalidInput(f"table is {name!r}; wanted one of {', '.join(TABLES)}", field="name")
    unknown = [row for row in rows if row not in PAPER_ROWS]
    if unknown:
        raise InvalidInput(f"row is {unknown[0]!r}; wanted one of {', '.join(PAPER_ROWS)}", field="row")
    accepted = {"allow_subset": allow_subset}
    with stage_progress() as progress:
        data = load_dataset(dataset or name, data_dir, progress=progress, **accepted)
    for line in (*data.notes, f"{data.name}: {describe(data)}"):
        click.echo(line, err=True)
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in rows or tuple(PAPER_ROWS):
        for seed in seeds:
            config = changed(find_recipe(f"{name}-{row}", name), seed=seed, epochs=epochs, weights=weights)
            folder = RunFolder(run_dir / f"table-{name}" / f"{row}-{seed}")
            click.echo(f"{row}, seed {seed}: {folder.path}", err=True)
            measured = run_in_folder(
                config, data, folder, data_dir=data_dir, device=device, resume=True, accepted=accepted
            )
            embedded = folder.epochs()[-1]["embedded_pictures"]
            figures.setdefault(row, []).append({**measured, "embedded_pictures": embedded})
    titles = {key: row.title for key, row in PAPER_ROWS.items()}
    Console(highlight=False).print(_layout(name, figures, titles, PUBLISHED.get(name, {})))


def _layout(
    name: str,
    figures: Mapping[str, Sequence[Mapping[str, float]]],
    titles: Mapping[str, str],
    published: Mapping[str, PublishedRow],
) -> Table:
    """Return the table: for each row our mean and, with several seeds, its spread; the paper's figures below."""
    layout = Table("", *_COLUMNS.values(), "pictures", "runs", title=f"{name}, in per cent: mean (smallest - largest)")
    for key, runs in figures.items():
        cells = [_spread([100 * run[name] for run in runs]) for name in _COLUMNS]
        pictures = f"{statistics.fmean(run['embedded_pictures'] for run in runs):,.0f}"
        layout.add_row(titles[key], *cells, pictures, str(len(runs)), end_section=key not in published)
        if key in published:
            printed = dataclasses.asdict(published[key])
            cells = [f"{printed[name]:.2f}" if name in printed else "" for name in _COLUMNS]
            layout.add_row("  the paper", *cells, "", "", style="dim", end_section=True)
    return layout


def _spread(values: Sequence[float]) -> str:
    mean = f"{statistics.fmean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f} - {max(values):.1f})"

"""`smserve gallery compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.inference_options import inference_options
from smserve.cli.options import file_path, gallery_argument, json_option
from smserve.cli.output import counted, print_json, print_table
from smserve.cli.progress import picture_progress

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.indexing import ModelComparison

__all__ = ["compare"]

_SHOWN = 3  # neighbours of a query that changed


@click.command()
@gallery_argument
@click.option(
    "--queries",
    type=file_path,
    metavar="CSV",
    help="Ask with these pictures: columns path, and label and id where there are any. Without it, a sample of the "
    "gallery's own items is asked.",
)
@click.option("--model-in-use", type=file_path, metavar="FILE", help="With --queries: the model in use.")
@click.option("--model", "other", type=file_path, metavar="FILE", help="With --queries: the staged model.")
@click.option("--sample", type=click.IntRange(1), default=1000, help="Without --queries: items to ask.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the sample.")
@click.option("--top-k", type=click.IntRange(1, 999), default=10, metavar="K", help="Neighbours to compare.")
@click.option(
    "--k", "ks", type=click.IntRange(1, 999), multiple=True, default=(1, 5), help="Values of K of the recall."
)
@inference_options
@json_option
@click.pass_context
def compare(
    ctx: click.Context,
    *,
    gallery: Path,
    queries: Path | None,
    model_in_use: Path | None,
    other: Path | None,
    sample: int,
    seed: int,
    top_k: int,
    ks: tuple[int, ...],
    inference: InferenceSettings,
    as_json: bool,
) -> None:
    """Compare the model in use of GALLERY with the staged one, else with the one before.

    Both are asked the same. The table shows the share of neighbours that both find, and Recall@K by each: the share of
    labelled queries with an item of their label among the K nearest. A query's own item, the one of its id, never
    counts. Below come the queries whose neighbours changed most. Ends with exit code 3 when pictures could not be read.

    \b
    Examples:
      smserve gallery compare gallery/
      smserve gallery compare gallery/ --queries test.csv --model-in-use old.onnx --model new.onnx
    """  # noqa: D301 - click wants a real backspace
    if (queries is None) != (model_in_use is None) or (queries is None) != (other is None):
        raise click.UsageError("give --queries, --model-in-use and --model together, or none of them")
    from smserve.indexing import compare_models, items_from_csv

    pictures = items_from_csv(queries) if queries is not None else []
    with picture_progress("comparing", len(pictures) or sample, unit="queries") as progress:
        found = compare_models(
            gallery,
            pictures=pictures,
            model_in_use=model_in_use,
            other_model=other,
            inference=inference,
            sample=sample,
            seed=seed,
            top_k=top_k,
            ks=ks,
            progress=progress,
        )
    _print(found, as_json=as_json)
    if found.unreadable:
        first = found.unreadable[0]
        click.echo(
            f"not asked: {counted(len(found.unreadable), 'picture')}; the first, {first.path}: {first.reason}", err=True
        )
        ctx.exit(EXIT_PARTIAL)


def _print(found: ModelComparison, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        ["model", found.in_use[:16], found.other[:16]],
        *(
            [f"Recall@{k}", f"{recall:.4f}", f"{found.recall_other[k]:.4f}"]
            for k, recall in found.recall_in_use.items()
        ),
        [f"overlap of the {found.top_k} nearest", "", f"{found.overlap:.4f}"],
        ["same nearest item", "", f"{found.same_first:.4f}"],
        ["nearest item right here alone", f"{found.lost}", f"{found.won}"],
    ]
    print_table(["measure", "in use", "other"], rows, numeric=["in use", "other"])
    click.echo()
    print_table(
        ["changed most", "overlap", "in use", "other"],
        [
            [each.item_id, f"{each.overlap:.2f}", ", ".join(each.in_use[:_SHOWN]), ", ".join(each.other[:_SHOWN])]
            for each in found.most_changed
        ],
        numeric=["overlap"],
    )
    click.echo(f"{counted(found.queries, 'query', 'queries')}, {found.labelled:,} of them labelled", err=True)

"""`smserve gallery duplicates`."""

from dataclasses import asdict
from pathlib import Path

import click

from smserve.cli.options import gallery_argument, json_option, new_file_path
from smserve.cli.output import print_json, print_table

__all__ = ["duplicates"]

_SHOWN = 20


@click.command()
@gallery_argument
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.99,
    metavar="COSINE",
    help="Pairs of items at least so near are listed.",
)
@click.option("--most", type=click.IntRange(1), default=10_000, help="Pairs to list; all are counted.")
@click.option("--output", type=new_file_path, metavar="CSV", help="Write the list to this file.")
@json_option
def duplicates(*, gallery: Path, threshold: float, most: int, output: Path | None, as_json: bool) -> None:
    """List the items of GALLERY that are nearly the same, those of different labels first.

    Up to 100,000 items, every pair is looked at; of more, each item's 10 nearest. The table shows the first 20 pairs.

    \b
    Example:
      smserve gallery duplicates gallery/ --threshold 0.98 --output pairs.csv
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.duplicates import near_duplicates, write_near_duplicates

    report = near_duplicates(gallery, threshold, most=most)
    if output is not None:
        write_near_duplicates(report, output)
    if as_json:
        print_json({**asdict(report.counts), "listed": report.listed})
    elif report.listed:
        print_table(
            ["cosine", "item", "label", "other item", "other label"],
            [
                [f"{pair.score:.4f}", pair.item_id, pair.label, pair.other_item_id, pair.other_label]
                for pair in report.listed[:_SHOWN]
            ],
            numeric=["cosine"],
        )
    click.echo(str(report.counts), err=True)

"""`python -m training datasets`: what data sets there are, whether one is whole, and one decoded ahead of training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from training.commands.options import ALLOW_SUBSET, DATA_DIR
from training.console import describe, stage_progress

if TYPE_CHECKING:
    from training.datasets import CatalogueEntry, SplitSize, VerifyReport

__all__ = ["datasets"]

_JSON = click.option("--json", "as_json", is_flag=True, show_default=False, help="Print one JSON document.")
_NAME = click.argument("name")
_SHARED = click.option(
    "--allow-shared-classes", is_flag=True, show_default=False, help="Accept a CSV whose splits share classes."
)


class _ListByDefault(click.Group):
    """Takes `datasets` and `datasets --json` for `datasets list` and `datasets list --json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListByDefault)
def datasets() -> None:
    """List the data sets, check one, or decode one ahead of training."""


@datasets.command("list")
@_JSON
@DATA_DIR
def list_datasets(*, as_json: bool, data_dir: Path) -> None:
    """Say of each data set what it is, whether it is there, and how to get it."""
    from training.datasets import catalogue

    entries = catalogue(data_dir)
    if as_json:
        click.echo(json.dumps([entry.to_dict() for entry in entries], indent=2))
        return
    console = Console(highlight=False)
    console.print(_overview(entries))
    for entry in entries:
        click.echo(f"\n{entry.name} is {entry.title}, from {entry.origin}")
        for text in (entry.next_step, entry.licence and f"terms: {entry.licence}"):
            if text:
                click.echo(f"  {text}")
    click.echo(
        "\nNAME:DIR takes a published set that is unpacked elsewhere. Your own pictures: folder:DIR (a folder a class) "
        "or csv:FILE."
    )
    shared = [f"{entry.name}-official" for entry in entries if entry.official]
    click.echo(
        f"{' and '.join(shared)} have the archives' own splits, in which training sees the test classes: no figure on "
        f"them compares with the papers'."
    )


@datasets.command()
@_NAME
@ALLOW_SUBSET
@_SHARED
@_JSON
@DATA_DIR
@click.pass_context
def verify(
    ctx: click.Context, name: str, *, allow_subset: bool, allow_shared_classes: bool, as_json: bool, data_dir: Path
) -> None:
    """Check a data set: sums of its archives, counts, classes in two splits, and every picture.

    Nothing is downloaded. Exit status 1 when something is wrong.
    """
    from training.datasets import verify_dataset

    with stage_progress() as progress:
        report = verify_dataset(
            name, data_dir, progress, allow_subset=allow_subset, allow_shared_classes=allow_shared_classes
        )
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else _report(report))
    if not report.ok:
        ctx.exit(1)


@datasets.command()
@_NAME
@click.option("--size", type=click.IntRange(1, 8192), default=256, help="Pixels of a side.")
@click.option(
    "--mode",
    type=click.Choice(["squash", "shortest_side"]),
    default="squash",
    help="To a square whatever the shape, or the shorter side and then the central square.",
)
@ALLOW_SUBSET
@_SHARED
@_JSON
@DATA_DIR
def prepare(
    name: str,
    *,
    size: int,
    mode: str,
    allow_subset: bool,
    allow_shared_classes: bool,
    as_json: bool,
    data_dir: Path,
) -> None:
    """Fetch, check and decode a data set, so that training begins at once; --size and --mode as in the recipe."""
    from smserve.images import ResizeRule
    from training.datasets import load_dataset, prepare_dataset

    rule = ResizeRule(
        mode="shortest_side" if mode == "shortest_side" else "squash",
        size=size,
        height=size,
        width=size,
        decoding="reduced",  # as all recipes do
    )
    with stage_progress() as progress:
        data = load_dataset(
            name, data_dir, progress=progress, allow_shared_classes=allow_shared_classes, allow_subset=allow_subset
        )
        prepared = prepare_dataset(data, rule, data_dir / "decoded", progress)
    for note in data.notes:
        click.echo(note, err=True)
    if as_json:
        click.echo(json.dumps([split.to_dict() for split in prepared], indent=2))
        return
    click.echo(f"{data.name}: {describe(data)}")
    for split in prepared:
        click.echo(f"{split.name:<12}{split.pictures:>9,} pictures  {split.size / 1e6:>10,.1f} MB  {split.file}")


def _overview(entries: Sequence[CatalogueEntry]) -> Table:
    splits = ("train", "validation", "test", "gallery")
    layout = Table("name", "state", *splits, caption="published classes / pictures", box=None, padding=(0, 1))
    for entry in entries:
        layout.add_row(entry.name, entry.state, *(_cell(entry.splits, split) for split in splits))
    return layout


def _cell(splits: Mapping[str, SplitSize], name: str) -> str:
    size = splits.get(name)
    return "" if size is None else f"{size.classes:,} / {size.pictures:,}"


def _report(report: VerifyReport) -> str:
    """Return the report for a person, what is wrong last."""
    lines = [f"{file}: {state}" for file, state in report.archives.items()]
    lines += [f"{split}: {size}" for split, size in report.splits.items()]
    if report.splits:
        lines.append(f"{report.decoded:,} pictures decoded, {report.unreadable:,} unreadable")
    lines += [f"  {problem}" for problem in report.unreadable_first]
    if report.unreadable > len(report.unreadable_first):
        lines.append(f"  and {report.unreadable - len(report.unreadable_first):,} more")
    lines += [f"note: {note}" for note in report.notes]
    lines += [f"WRONG: {problem}" for problem in report.problems]
    return "\n".join([*lines, f"{report.name}: " + ("all right" if report.ok else "not as it should be")])

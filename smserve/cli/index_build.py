"""`smserve index build`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.inference_options import inference_options
from smserve.cli.options import file_path, json_option, model_option, new_file_path
from smserve.cli.output import counted, print_json
from smserve.cli.place import PlaceParameter
from smserve.cli.progress import picture_progress

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.gallery.milvus import MilvusAddress
    from smserve.gallery.publication import IndexBuilder

__all__ = ["build"]

_MOST_THREADS = 256


@click.command()
@model_option(required=True)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Index every JPEG, PNG and WebP below this folder; an item's id is its path in it.",
)
@click.option(
    "--csv",
    "csv_file",
    type=file_path,
    metavar="CSV",
    help="Index the pictures that this file lists: columns path and label; id, where given, names the item; every "
    "further column becomes payload.",
)
@click.option(
    "--gallery",
    type=PlaceParameter(),
    required=True,
    metavar="GALLERY",
    help="The folder to write, or milvus://HOST:PORT/NAME (see docs/milvus.md); a finished gallery is never "
    "overwritten, an interrupted build goes on.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    show_default="number of cores; with --ray, as many as fit",
    help="Threads that decode; with --ray, processes on the cluster.",
)
@inference_options
@click.option(
    "--ray",
    metavar="ADDRESS",
    show_default="this process",
    help="Decode and embed on a Ray cluster: HOST:PORT of its head, auto for the one that this machine is part of, "
    "local to start one here; see docs/gallery.md.",
)
@click.option(
    "--near-duplicates",
    type=click.FloatRange(0, 1),
    default=0.99,
    metavar="COSINE",
    help="Count the pairs of items at least so near, those across labels too; 0 to leave it.",
)
@click.option(
    "--near-duplicates-file", type=new_file_path, metavar="CSV", help="Write the pairs to this file, 10,000 at most."
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    show_default="exact search",
    help="Measure some indexes, as `smserve index tune` does, and take the fastest that finds this share of the 10 "
    "true neighbours; a small gallery is searched exactly all the same.",
)
@click.option(
    "--min-recall",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    show_default="none",
    help="Fail, and publish nothing, when the index that was built does not surely find this share.",
)
@click.option("--no-thumbnails", is_flag=True, show_default=False, help="Store no thumbnails: a smaller gallery.")
@json_option
@click.pass_context
def build(
    ctx: click.Context,
    *,
    model: Path,
    images: Path | None,
    csv_file: Path | None,
    gallery: Path | MilvusAddress,
    workers: int | None,
    inference: InferenceSettings,
    ray: str | None,
    near_duplicates: float,
    near_duplicates_file: Path | None,
    recall: float | None,
    min_recall: float | None,
    no_thumbnails: bool,
    as_json: bool,
) -> None:
    """Embed pictures and write them as a gallery that `smserve serve` searches.

    Ends with exit code 0 when every picture was read, 3 when the gallery is built but some pictures could not be read
    (a report in the folder lists them), 1 when it failed. An interrupted build goes on where it was.

    \b
    Examples:
      smserve index build --model model.onnx --images photos/ --gallery gallery/
      smserve index build --model model.onnx --csv catalogue.csv --gallery gallery/ --workers 8
      smserve index build --model model.onnx --images photos/ --gallery gallery/ --recall 0.99 --min-recall 0.98
      smserve index build --model model.onnx --images photos/ --gallery gallery/ --ray auto
    """  # noqa: D301 - click wants a real backspace
    if (images is None) == (csv_file is None):
        raise click.UsageError("give either --images DIR or --csv FILE")
    if ray is None and workers is not None and workers > _MOST_THREADS:
        raise click.UsageError(
            f"--workers is {workers}; wanted {_MOST_THREADS} at most, unless they are on a cluster (--ray)"
        )
    if not isinstance(gallery, Path) and (recall, min_recall, near_duplicates_file) != (None, None, None):
        raise click.UsageError(
            "--recall, --min-recall and --near-duplicates-file are for galleries in folders; Milvus searches exactly, "
            "unless it is given another index with its own tools"
        )
    from smserve.indexing import REPORT_FILE, build_gallery, items_from_csv, pictures_in

    sources = pictures_in(images) if images is not None else items_from_csv(csv_file or Path())
    with picture_progress("indexing", len(sources)) as progress:
        report = build_gallery(
            model=model,
            sources=sources,
            gallery=gallery,
            inference=inference,
            workers=workers,
            thumbnails=not no_thumbnails,
            build_index=_index(gallery, recall, min_recall, workers if ray is None else None),
            near_duplicates=near_duplicates or None,
            near_duplicates_file=near_duplicates_file,
            ray=ray,
            progress=lambda done, total: progress(done),  # noqa: ARG005 - the bar knows the total
        )
    if as_json:
        print_json({**asdict(report), "images_per_s": report.images_per_s})
    resumed = f" ({report.resumed:,} of them from an interrupted build)" if report.resumed else ""
    click.echo(
        f"gallery {gallery}: {counted(report.items, 'item')}{resumed}, generation {report.generation}, in "
        f"{report.seconds:.1f} s, {report.images_per_s:.0f} images/s",
        err=True,
    )
    if report.duplicates:
        click.echo(f"items that repeat the picture of another, byte for byte: {report.duplicates:,}", err=True)
    if report.near_duplicates is not None:
        click.echo(str(report.near_duplicates), err=True)
    if report.unreadable:
        first = report.unreadable[0]
        listed = f"; all are listed in {gallery / REPORT_FILE}" if isinstance(gallery, Path) else "; --json lists all"
        click.echo(
            f"left out, since they could not be read: {len(report.unreadable):,}; the first, {first.path}: "
            f"{first.reason}{listed}",
            err=True,
        )
        ctx.exit(EXIT_PARTIAL)


def _index(
    gallery: Path | MilvusAddress, recall: float | None, min_recall: float | None, workers: int | None
) -> IndexBuilder:
    """Return what makes the index of a gallery in a folder; one in Milvus has Milvus' own."""
    from smserve.gallery.publication import exact_index
    from smserve.gallery.tuning import chosen_index, tuned_index

    if not isinstance(gallery, Path):
        return exact_index
    if recall is None:
        return chosen_index(gallery, min_recall=min_recall)
    return tuned_index(gallery, recall=recall, min_recall=min_recall, threads=workers or os.cpu_count() or 1)

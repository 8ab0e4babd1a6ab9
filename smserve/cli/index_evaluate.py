"""`smserve index evaluate`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.evaluation_output import print_evaluation
from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.gallery_option import GalleryParameter
from smserve.cli.inference_options import serving_inference_options
from smserve.cli.options import file_path, json_option, model_option
from smserve.cli.progress import picture_progress

if TYPE_CHECKING:
    from smserve.client import Client, LabelledQuery
    from smserve.embedder import InferenceSettings
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["evaluate"]


@click.command()
@click.option(
    "--queries",
    type=file_path,
    required=True,
    metavar="CSV",
    help="Labelled pictures: columns path and label; a query whose id (column id, else its path) is in the gallery "
    "does not count as its own neighbour.",
)
@click.option("--server", metavar="HOST:PORT", help="Ask this running server.")
@model_option(required=False)
@click.option(
    "--gallery",
    type=GalleryParameter(),
    metavar="[NAME=]GALLERY",
    help="With --model: start a private server on a free local port, and ask that.",
)
@click.option(
    "--gallery-name", default="", metavar="NAME", show_default="the server's first", help="With --server: its gallery."
)
@click.option(
    "--k", "ks", type=click.IntRange(1, 999), multiple=True, default=(1, 2, 4, 8), help="Values of K; repeat for more."
)
@click.option(
    "--by-class",
    is_flag=True,
    show_default=False,
    help="Show the recall of each class, too, the worst first, and what it is confused with.",
)
@click.option(
    "--unknown",
    type=file_path,
    metavar="CSV",
    help="Pictures of classes that the gallery does not hold: show for each threshold on the score which share of "
    "these, and of the queries, it accepts.",
)
@click.option(
    "--threshold",
    "thresholds",
    type=click.FloatRange(-1, 1),
    multiple=True,
    metavar="COSINE",
    show_default="20 over the scores",
    help="With --unknown: thresholds to show; repeat for more.",
)
@serving_inference_options
@connection_options
@json_option
@click.pass_context
def evaluate(
    ctx: click.Context,
    *,
    queries: Path,
    server: str | None,
    model: Path | None,
    gallery: tuple[str, Path | MilvusAddress] | None,
    gallery_name: str,
    ks: tuple[int, ...],
    by_class: bool,
    unknown: Path | None,
    thresholds: tuple[float, ...],
    inference: InferenceSettings,
    connection: Connection,
    as_json: bool,
) -> None:
    """Measure Recall@K with labelled pictures, through the served path.

    Recall@K is the share of queries with an item of their own label among the K nearest. With --unknown, the
    out-of-gallery rate is measured, too: how well a threshold on the nearest item's score tells pictures of the
    gallery's classes from others. Ends with exit code 3 when some queries could not be read; those are listed and not
    counted.

    \b
    Examples:
      smserve index evaluate --queries test.csv --server 127.0.0.1:50051
      smserve index evaluate --queries test.csv --model model.onnx --gallery gallery/ --json
      smserve index evaluate --queries test.csv --server 127.0.0.1:50051 --by-class --unknown others.csv
    """  # noqa: D301 - click wants a real backspace
    private = model is not None and gallery is not None
    if private == (server is not None) or (model is None) != (gallery is None):
        raise click.UsageError("give either --server HOST:PORT, or --model FILE and --gallery DIR")
    if thresholds and unknown is None:
        raise click.UsageError("--threshold needs --unknown CSV")
    from smserve.client import evaluate_recall, measure_out_of_gallery

    labelled = _queries(queries)
    others = _queries(unknown) if unknown is not None else []
    with (
        _private_server(model, gallery, inference, connection.timeout_s)
        if model and gallery
        else connection.open(server or "") as client,
        picture_progress("searching", len(labelled)) as progress,
    ):
        report = evaluate_recall(client, labelled, gallery=gallery_name, ks=ks, progress=progress)
        rate = None
        if others:
            rate = measure_out_of_gallery(client, labelled, others, gallery=gallery_name, thresholds=thresholds)
    print_evaluation(report, rate, as_json=as_json, by_class=by_class)
    if report.failures or (rate is not None and rate.failures):
        ctx.exit(EXIT_PARTIAL)


def _queries(file: Path) -> list[LabelledQuery]:
    from smserve.client import LabelledQuery
    from smserve.indexing import items_from_csv

    return [LabelledQuery(path=item.path, label=item.label, item_id=item.item_id) for item in items_from_csv(file)]


@contextlib.contextmanager
def _private_server(
    model: Path, gallery: tuple[str, Path | MilvusAddress], inference: InferenceSettings, timeout_s: float
) -> Iterator[Client]:
    """Serve a gallery on a free loopback port inside the block, and yield a client of it."""
    from smserve.client import Client
    from smserve.server import Server, ServerSettings, open_engine

    with Server(ServerSettings(port=0)) as server:
        server.start(open_engine(model, [gallery], inference=inference))
        with Client(server.address, timeout_s=timeout_s) as client:
            yield client

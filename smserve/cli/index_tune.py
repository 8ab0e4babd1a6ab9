"""`smserve index tune`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from smserve.cli.options import json_option
from smserve.cli.output import print_json, print_table
from smserve.cli.place import FolderPath
from smserve.cli.progress import measuring_progress
from smserve.errors import RecallTooLow

if TYPE_CHECKING:
    from smserve.gallery.tuning import TuningReport

__all__ = ["tune"]

_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_COLUMNS: Final = ("index", "recall@10", "95 % interval", "q/s, 1", "q/s, 64", "ms, p95", "MiB", "build s", "")


class _ByteSize(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value, re.IGNORECASE)
        size = int(float(found.group(1)) * _UNITS[found.group(2).upper()]) if found else 0
        if size < 1:
            self.fail(f"{value!r} is no size; give one such as 512MiB or 2GiB", param, ctx)
        return size


@click.command()
@click.option(
    "--gallery",
    type=FolderPath(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="The gallery whose own vectors are measured.",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.99,
    help="Share of the 10 true neighbours to be found, with 95 % confidence.",
)
@click.option("--memory", type=_ByteSize(), metavar="SIZE", help="Largest index: 512MiB, 2GiB.  [default: any]")
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, min_open=True),
    metavar="MS",
    help="Longest search with one query, at the 95th percentile.  [default: any]",
)
@click.option("--index", "indexes", multiple=True, metavar="STRING", help="Measure this FAISS index alone; repeatable.")
@click.option("--no-graphs", is_flag=True, show_default=False, help="Leave out HNSW, which is slow to build.")
@click.option("--threads", type=click.IntRange(1, 256), show_default="number of cores", help="Threads that build.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the queries and the builds.")
@click.option("--dry-run", is_flag=True, show_default=False, help="Measure only, and store no choice.")
@json_option
def tune(
    *,
    gallery: Path,
    recall: float,
    memory: int | None,
    latency_ms: float | None,
    indexes: tuple[str, ...],
    no_graphs: bool,
    threads: int | None,
    seed: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Choose the index of a gallery by measuring it on the gallery's own vectors.

    A handful of FAISS indexes are built in memory over the gallery less 1,000 vectors, which are then searched for;
    exact search says what is right. The fastest index that surely finds the wanted share within the limits is stored,
    and the gallery's next generation gets it. Nothing changes until then, and small galleries stay exact.

    The table names each index with its settings. An IVF is tried with second looks, too: "nprobe=16 far_nprobe=512
    far_score=0.55" looks into 16 lists, and into 512 where the 10th hit then has a cosine below 0.55.

    \b
    Examples:
      smserve index tune --gallery gallery/
      smserve index tune --gallery gallery/ --recall 0.95 --memory 512MiB --latency-ms 2
      smserve index tune --gallery gallery/ --index HNSW32 --index IVF4096,Flat --dry-run
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.active import active_folder
    from smserve.gallery.tuning import gallery_vectors, write_choice
    from smserve.gallery.tuning import tune as measure

    with measuring_progress() as progress:
        report = measure(
            gallery_vectors(gallery),
            recall=recall,
            memory_bytes=memory,
            latency_ms=latency_ms,
            indexes=indexes,
            graphs=not no_graphs,
            seed=seed,
            threads=threads,
            progress=progress,
        )
    _print(report, as_json=as_json)
    if report.chosen is None:
        raise RecallTooLow(
            f"no index of gallery {gallery} surely reaches recall {recall:g} within the limits; allow more memory or "
            f"time, or ask for less recall. Nothing was stored"
        )
    if not dry_run:
        write_choice(active_folder(gallery), report)
    click.echo(
        f"chosen: {report.chosen.choice}, of {report.item_count:,} x {report.dimension}; "
        + ("not stored" if dry_run else "the next generation gets it"),
        err=True,
    )


def _print(report: TuningReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
        return
    rows = [
        [
            str(trial.choice),
            f"{trial.recall.value:.4f}",
            f"{trial.recall.low:.4f} to {trial.recall.high:.4f}",
            f"{trial.qps_1:,.0f}",
            f"{trial.qps_64:,.0f}",
            f"{trial.latency_ms:.3f}",
            f"{trial.memory_bytes / 2**20:,.1f}",
            f"{trial.build_s:.1f}",
            "chosen"
            if trial is report.chosen
            else f"misses {missed}"
            if (missed := report.limits.misses(trial))
            else "",
        ]
        for trial in report.trials
    ]
    print_table(_COLUMNS, rows, numeric=_COLUMNS[1:-1])

"""`smserve tune`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smserve.cli.options import json_option, model_option, new_file_path
from smserve.cli.output import print_json, print_table
from smserve.cli.progress import measuring_progress
from smserve.errors import SmserveError

if TYPE_CHECKING:
    from smserve.tuning import TuningReport

__all__ = ["tune"]

_PICTURES: Final = 64
_COLUMNS: Final = ("provider", "precision", "threads", "batch", "calls", "images/s", "ms, p95", "cosine", "")
_MISSES: Final = {"": "", "latency": "too slow", "agreement": "differs"}


@click.command()
@model_option(required=True)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    show_default="the pictures of the model's self-check, which are small",
    help=f"Ask with pictures such as clients send: {_PICTURES} of those below this folder, evenly spread.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=3.0,
    metavar="SECONDS",
    help="How long each candidate is measured, and half as long with one call at a time; two cores have a dozen.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, min_open=True),
    metavar="MS",
    show_default="any, within --latency-factor",
    help="Longest call alone, from encoded picture to vector, at the 95th percentile.",
)
@click.option(
    "--latency-factor",
    type=click.FloatRange(1, min_open=True),
    default=2.0,
    metavar="FACTOR",
    help="Without --latency-ms: how many times the shortest call alone one may take.",
)
@click.option(
    "--output",
    type=new_file_path,
    default=Path("smserve.toml"),
    metavar="FILE",
    show_default="smserve.toml",
    help="Write what was chosen to the table [serve] of this TOML file; what else is in it stays.",
)
@click.option("--dry-run", is_flag=True, show_default=False, help="Measure only, and write nothing.")
@json_option
def tune(
    *,
    model: Path,
    images: Path | None,
    seconds: float,
    latency_ms: float | None,
    latency_factor: float,
    output: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Choose what runs a model on this machine, and how, by measuring it.

    Measured are ONNX Runtime, and OpenVINO and CUDA where they are installed; threads a call, calls in flight, and
    batching: decoding and embedding alone, without gRPC and search. Chosen is what embeds most pictures a second within
    the limit on a call alone; bfloat16 only where the model's self-check passes and every picture's embedding has a
    cosine of 0.999 or more to that in float32. Let nothing else run meanwhile.

    The table shows, for so many calls at the same time, the images a second; for a call alone, its 95th percentile; and
    the smallest cosine to float32 on the CPU.

    \b
    Examples:
      smserve tune --model model.onnx --images photos/
      smserve tune --model model.onnx --images photos/ --latency-ms 50 --output /etc/smserve.toml
    """  # noqa: D301 - click wants a real backspace
    from smserve.tuning import Limits, SettingsFile
    from smserve.tuning import tune as measure

    file = None if dry_run else SettingsFile(output)  # what is wrong with it is said before anything is measured
    pictures = _pictures(images) if images is not None else []
    with measuring_progress() as progress:
        report = measure(
            model,
            pictures,
            limits=Limits(latency_ms=latency_ms, latency_factor=latency_factor),
            seconds=seconds,
            progress=progress,
        )
    _print(report, as_json=as_json)
    if report.chosen is None:
        raise SmserveError(
            f"nothing answers a call alone within {report.limits.latency_of(report.trials):g} ms; the shortest took "
            f"{min(trial.latency_ms for trial in report.trials):.1f} ms. Allow more time; nothing was written"
        )
    if file is not None:
        file.write(report)
    options = " ".join(f"--{name} {value}" for name, value in report.chosen.candidate.options().items())
    click.echo(f"chosen: {options}; {'not written' if dry_run else f'written to {output}'}", err=True)


def _pictures(folder: Path) -> list[bytes]:
    """Return some pictures, encoded; a file that can't be read is left out."""
    from smserve.config import ImageLimits
    from smserve.errors import InvalidImage
    from smserve.indexing import pictures_in
    from smserve.indexing.reading import read_picture

    found = pictures_in(folder)
    pictures = []
    for item in found[:: max(1, len(found) // _PICTURES)][:_PICTURES]:
        with contextlib.suppress(InvalidImage, OSError):
            pictures.append(read_picture(item.path, ImageLimits()))
    return pictures


def _print(report: TuningReport, *, as_json: bool) -> None:
    for each in report.refused:
        click.echo(f"not measured: {each.provider} in {each.precision}: {each.reason}", err=True)
    if as_json:
        print_json(report.to_dict())
        return
    rows = [
        [
            trial.candidate.settings.provider,
            trial.candidate.settings.precision,
            str(trial.candidate.settings.threads_a_call),
            str(trial.candidate.settings.batch),
            str(trial.candidate.max_in_flight),
            f"{trial.pictures_per_s:.1f}",
            f"{trial.latency_ms:.1f}",
            f"{trial.cosine:.5f}",
            "chosen" if trial is report.chosen else _MISSES[report.misses(trial)],
        ]
        for trial in report.trials
    ]
    print_table(_COLUMNS, rows, numeric=_COLUMNS[2:-1])

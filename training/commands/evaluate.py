"""`python -m training evaluate`: the figures of a run, or of a model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from smserve.errors import InvalidInput
from training.commands.options import ALLOW_SUBSET, DATA_DIR, DEVICE
from training.commands.run_data import load_run_data
from training.console import choose_device, show_figures, stage_progress

__all__ = ["evaluate"]


@click.command()
@click.argument("run", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--untrained", is_flag=True, show_default=False, help="Judge the backbone's own pooled features instead.")
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge a model file by ONNX Runtime on the CPU, instead of a run.",
)
@click.option("--dataset", metavar="NAME", show_default="the one it was trained on", help="With --model.")
@click.option(
    "--recall-at",
    type=click.IntRange(1),
    multiple=True,
    metavar="K",
    show_default="those of the data set's recipe",
    help="With --model; may be repeated.",
)
@click.option(
    "--allow-shared-classes",
    is_flag=True,
    show_default=False,
    help="With --model: accept a CSV whose splits share classes.",
)
@ALLOW_SUBSET
@click.option("--json", "as_json", is_flag=True, show_default=False, help="Print one JSON document.")
@DATA_DIR
@DEVICE
def evaluate(
    *,
    run: Path | None,
    untrained: bool,
    model: Path | None,
    dataset: str | None,
    recall_at: tuple[int, ...],
    allow_shared_classes: bool,
    allow_subset: bool,
    as_json: bool,
    data_dir: Path,
    device: str,
) -> None:
    """Measure Recall@K, MAP@R and NMI of a run, or of a model file, on test classes.

    \b
    Examples:
      python -m training evaluate runs/photos
      python -m training evaluate --model runs/photos/model.onnx
      python -m training evaluate --model model.onnx --dataset folder:more-photos
    """  # noqa: D301 - click wants a real backspace
    if (run is None) == (model is None):
        raise click.UsageError("wanted either the folder of a run or --model FILE")
    if model is not None:
        if untrained:
            raise InvalidInput("--untrained is of a run, not of a model file; leave one of them out", field="untrained")
        accepted = {"allow_shared_classes": allow_shared_classes, "allow_subset": allow_subset}
        figures = _judge_model(model, dataset, recall_at, data_dir, accepted)
    else:
        if dataset is not None or recall_at:
            raise InvalidInput("a run has its own data set and K; --dataset and --recall-at need --model", field="run")
        figures = _judge_run(run, data_dir, device, untrained=untrained)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        show_figures(figures)


def _judge_run(run: Path | None, data_dir: Path, device: str, *, untrained: bool) -> dict[str, Any]:
    from training.trainer import RunFolder, evaluate_run

    assert run is not None  # noqa: S101 - for mypy: the caller has seen to it
    folder = RunFolder(run)
    with stage_progress() as progress:
        return evaluate_run(
            folder,
            load_run_data(folder, data_dir, progress),
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            progress=progress,
            untrained=untrained,
        )


def _judge_model(
    model: Path, dataset: str | None, recall_at: tuple[int, ...], data_dir: Path, accepted: dict[str, bool]
) -> dict[str, Any]:
    from training.datasets import load_dataset
    from training.export import OnnxNetwork
    from training.recipes import find_recipe
    from training.trainer import evaluate_model

    net = OnnxNetwork(model)
    name = dataset or str(net.manifest.provenance.get("dataset"))
    if dataset is None and ":" in name:  # your own pictures, of which a model file doesn't say the place
        raise InvalidInput(
            f"model file {model} was trained on {name}, which it doesn't say the place of; give --dataset",
            field="dataset",
        )
    with stage_progress() as progress:
        return evaluate_model(
            net,
            load_dataset(name, data_dir, progress=progress, **accepted),
            recall_at=recall_at or find_recipe(None, name).recall_at,
            cache_dir=data_dir / "decoded",
            progress=progress,
        )

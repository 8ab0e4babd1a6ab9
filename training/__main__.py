"""Train, evaluate and export: `python -m training --help`."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smserve.errors import SmserveError
from training.console import choose_device, describe, show_figures, stage_progress

if TYPE_CHECKING:
    from training.datasets import Dataset, Progress
    from training.trainer import RunFolder

DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    help="Where fetched data sets and decoded pictures are kept.",
)
RUN = click.argument("run", type=click.Path(file_okay=False, path_type=Path))
DEVICE = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="auto: CUDA when there is one."
)


class _Commands(click.Group):
    """Ends in one line on standard error, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SmserveError as error:
            raise click.ClickException(error.message) from None
        except KeyboardInterrupt:
            click.echo("Interrupted; go on with --resume.", err=True)
            sys.exit(130)


@click.group(cls=_Commands, context_settings={"show_default": True, "max_content_width": 100})
def main() -> None:
    """Learn an image embedding by smart mining.

    \b
    Three steps:
      python -m training train --dataset folder:photos --name photos
      python -m training evaluate runs/photos
      python -m training export runs/photos
    """  # noqa: D301 - click wants a real backspace


@main.command()
@click.option(
    "--dataset", required=True, metavar="NAME", help="emoji, cub, cub:DIR, folder:DIR (a folder a class) or csv:FILE."
)
@click.option("--recipe", metavar="NAME", show_default="the data set's own", help="See `python -m training recipes`.")
@click.option("--name", metavar="NAME", show_default="the recipe's name", help="The run's folder below --run-dir.")
@click.option("--run-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), help="Of all runs.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of everything that is drawn.")
@click.option("--epochs", type=click.IntRange(1), show_default="the recipe's", help="Another number of epochs.")
@click.option("--weights", metavar="FILE", help="The backbone's weights from a state dict; `none` for random ones.")
@click.option("--resume", is_flag=True, show_default=False, help="Go on after the last finished epoch.")
@click.option(
    "--allow-shared-classes", is_flag=True, show_default=False, help="Accept a CSV whose splits share classes."
)
@DATA_DIR
@DEVICE
def train(
    *,
    dataset: str,
    recipe: str | None,
    name: str | None,
    run_dir: Path,
    seed: int,
    epochs: int | None,
    weights: str | None,
    resume: bool,
    allow_shared_classes: bool,
    data_dir: Path,
    device: str,
) -> None:
    """Train, and measure on classes that training has not seen.

    \b
    Examples:
      python -m training train --dataset emoji
      python -m training train --dataset folder:photos --name photos --seed 1
      python -m training train --dataset cub --weights googlenet.pth
    """  # noqa: D301 - click wants a real backspace
    from training.datasets import load_dataset
    from training.recipes import find_recipe
    from training.trainer import RunFolder
    from training.trainer import train as run
    from training.trainer.progress import EpochBar

    config = dataclasses.replace(find_recipe(recipe, dataset), seed=seed)
    if epochs is not None:
        config = dataclasses.replace(config, epochs=epochs)
    if weights is not None:
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, weights=weights))
    folder = RunFolder(run_dir / (name or config.recipe))
    with stage_progress() as progress:
        data = load_dataset(dataset, data_dir, progress=progress, allow_shared_classes=allow_shared_classes)
    for line in (*data.notes, f"{data.name}: {describe(data)}", f"recipe {config.recipe}, run folder {folder.path}"):
        click.echo(line, err=True)
    with stage_progress() as progress:
        figures = run(
            config,
            data,
            folder,
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            bar=EpochBar(),
            progress=progress,
            resume=resume,
        )
    show_figures(figures)
    click.echo(f"next: python -m training export {folder.path}", err=True)


@main.command()
@RUN
@click.option("--untrained", is_flag=True, show_default=False, help="Judge the backbone's own pooled features instead.")
@click.option("--json", "as_json", is_flag=True, show_default=False, help="Print one JSON document.")
@DATA_DIR
@DEVICE
def evaluate(run: Path, *, untrained: bool, as_json: bool, data_dir: Path, device: str) -> None:
    """Measure a run's Recall@K, MAP@R and NMI on its test classes."""
    from training.trainer import RunFolder, evaluate_run

    folder = RunFolder(run)
    with stage_progress() as progress:
        figures = evaluate_run(
            folder,
            _dataset_of(folder, data_dir, progress),
            cache_dir=data_dir / "decoded",
            device=choose_device(device),
            progress=progress,
            untrained=untrained,
        )
    if as_json:
        click.echo(json.dumps(figures))
    else:
        show_figures(figures)


@main.command()
@RUN
@click.option("--untrained", is_flag=True, show_default=False, help="Export the backbone's own pooled features.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="RUN/model.onnx",
    help="The file to write.",
)
@DATA_DIR
def export(run: Path, *, untrained: bool, output: Path | None, data_dir: Path) -> None:
    """Write a run's model file, once ONNX Runtime is seen to compute what torch does."""
    from training.trainer import RunFolder, export_run

    folder = RunFolder(run)
    folder.read_config()
    if output is None:
        output = folder.path / "untrained.onnx" if untrained else folder.model_file
    with stage_progress() as progress:
        fingerprint = export_run(
            folder,
            _dataset_of(folder, data_dir, progress),
            output,
            cache_dir=data_dir / "decoded",
            progress=progress,
            untrained=untrained,
        )
    click.echo(f"wrote {output} ({output.stat().st_size:,} bytes), fingerprint {fingerprint}")


def _dataset_of(folder: RunFolder, data_dir: Path, progress: Progress) -> Dataset:
    """Return the data set that a run was trained on, accepted as the run accepted it."""
    from training.datasets import load_dataset

    _, name = folder.read_config()
    return load_dataset(name, data_dir, progress=progress, allow_shared_classes=folder.shared_classes())


@main.command()
def recipes() -> None:
    """List the recipes."""
    from training.recipes import RECIPES

    for name, recipe in RECIPES.items():
        click.echo(f"{name:<14}{(recipe.__doc__ or '').partition(chr(10))[0]}")


@main.command()
@click.argument("dataset", required=False)
@DATA_DIR
def datasets(dataset: str | None, *, data_dir: Path) -> None:
    """List the data sets; with a name, fetch and check one and say what it holds."""
    from training.datasets import DATASET_NAMES, load_dataset

    if dataset is None:
        click.echo("\n".join(DATASET_NAMES))
        return
    with stage_progress() as progress:
        data = load_dataset(dataset, data_dir, progress=progress)
    for line in (*data.notes, f"{data.name}: {describe(data)}"):
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m training")

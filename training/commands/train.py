"""`python -m training train`."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.options import ALLOW_SUBSET, DATA_DIR, DEVICE, RUN_DIR
from training.commands.running import changed, run_in_folder
from training.console import describe, show_figures, stage_progress

__all__ = ["train"]


@click.command()
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    help="emoji, cub, cars196, sop, inshop (or NAME:DIR), folder:DIR (a folder a class) or csv:FILE; see "
    "`python -m training datasets`.",
)
@click.option("--recipe", metavar="NAME", show_default="the data set's own", help="See `python -m training recipes`.")
@click.option("--name", metavar="NAME", show_default="the recipe's name", help="The run's folder below --run-dir.")
@RUN_DIR
@click.option("--seed", type=click.IntRange(0), default=0, help="Of everything that is drawn.")
@click.option("--epochs", type=click.IntRange(1), show_default="the recipe's", help="Another number of epochs.")
@click.option(
    "--max-pictures",
    type=click.IntRange(1),
    show_default="the recipe's",
    help="End after this many pictures through the network, those of mining included.",
)
@click.option("--weights", metavar="FILE", help="The backbone's weights from a state dict; `none` for random ones.")
@click.option("--resume", is_flag=True, show_default=False, help="Go on after the last finished epoch.")
@click.option(
    "--allow-shared-classes", is_flag=True, show_default=False, help="Accept a CSV whose splits share classes."
)
@ALLOW_SUBSET
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
    max_pictures: int | None,
    weights: str | None,
    resume: bool,
    allow_shared_classes: bool,
    allow_subset: bool,
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

    recipe_config = find_recipe(recipe, dataset)
    config = changed(recipe_config, seed=seed, epochs=epochs, weights=weights, max_pictures=max_pictures)
    accepted = {"allow_shared_classes": allow_shared_classes, "allow_subset": allow_subset}
    folder = RunFolder(run_dir / (name or config.recipe))
    with stage_progress() as progress:
        data = load_dataset(dataset, data_dir, progress=progress, **accepted)
    for line in (*data.notes, f"{data.name}: {describe(data)}", f"recipe {config.recipe}, run folder {folder.path}"):
        click.echo(line, err=True)
    figures = run_in_folder(config, data, folder, data_dir=data_dir, device=device, resume=resume, accepted=accepted)
    show_figures(figures)
    click.echo(f"next: python -m training export {folder.path}", err=True)

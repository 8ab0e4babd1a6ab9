"""`python -m training train`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.commands.options import (
    ALLOW_SUBSET,
    CONFIG,
    DATA_DIR,
    DEVICE,
    PRINT_CONFIG,
    RECIPE,
    RUN_DIR,
    SET,
)
from training.commands.running import changed, run_in_folder
from training.console import describe, say, show_figures, stage_progress

if TYPE_CHECKING:
    from training.config import TrainConfig

__all__ = ["train"]


@click.command()
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    help="emoji, cub, cars196, sop, inshop (or NAME:DIR), folder:DIR (a folder a class) or csv:FILE; see "
    "`python -m training datasets`.",
)
@RECIPE
@CONFIG
@SET
@PRINT_CONFIG
@click.option("--name", metavar="NAME", show_default="the recipe's name", help="The run's folder below --run-dir.")
@RUN_DIR
@click.option("--seed", type=click.IntRange(0), show_default="the recipe's", help="Of everything that is drawn.")
@click.option("--epochs", type=click.IntRange(1), show_default="the recipe's", help="Another number of epochs.")
@click.option(
    "--max-pictures",
    type=click.IntRange(1),
    show_default="the recipe's",
    help="End after this many pictures through the network, those of mining included.",
)
@click.option(
    "--weights", metavar="FILE", help="The backbone's weights: a .pth or .safetensors file, or `none` for random ones."
)
@click.option("--no-guards", is_flag=True, show_default=False, help="Don't stop a run that has collapsed.")
@click.option("--resume", is_flag=True, show_default=False, help="Go on from the run's newest checkpoint.")
@click.option(
    "--resume-from",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on from an earlier checkpoint of the run; what came after it is dropped.",
)
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
    config_file: Path | None,
    settings: Sequence[str],
    print_config: bool,
    name: str | None,
    run_dir: Path,
    seed: int | None,
    epochs: int | None,
    max_pictures: int | None,
    weights: str | None,
    no_guards: bool,
    resume: bool,
    resume_from: Path | None,
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
      python -m training train --dataset folder:photos --set model.backbone=resnet50 --set model.pooling=gem
      python -m training train --dataset folder:photos --config runs/photos/config.json --name again
      python -m training train --dataset cub --weights googlenet.pth
      torchrun --nproc-per-node 4 -m training train --dataset sop
    """  # noqa: D301 - click wants a real backspace
    from training.config import override
    from training.datasets import load_dataset
    from training.model import find_backbone
    from training.trainer import RunFolder

    config = changed(
        _chosen(recipe, config_file, dataset),
        seed=seed,
        epochs=epochs,
        weights=weights,
        max_pictures=max_pictures,
        guarded=not no_guards,
    )
    config = override(config, settings)
    find_backbone(config.model.backbone)  # an unknown one is refused before pictures are fetched
    if print_config:
        click.echo(json.dumps(config.to_dict(), indent=2))
        return
    accepted = {"allow_shared_classes": allow_shared_classes, "allow_subset": allow_subset}
    folder = RunFolder(run_dir / (name or config.recipe))
    with stage_progress() as progress:
        data = load_dataset(dataset, data_dir, progress=progress, **accepted)
    for line in (*data.notes, f"{data.name}: {describe(data)}", f"recipe {config.recipe}, run folder {folder.path}"):
        say(line)
    figures = run_in_folder(
        config,
        data,
        folder,
        data_dir=data_dir,
        device=device,
        resume=resume,
        resume_from=resume_from,
        accepted=accepted,
    )
    show_figures(figures)
    say(f"next: python -m training export {folder.path}")


def _chosen(recipe: str | None, config_file: Path | None, dataset: str) -> TrainConfig:
    """Return the recipe's config, or that of the file."""
    from smserve.errors import InvalidInput
    from training.config import read_config_file
    from training.recipes import find_recipe

    if config_file is None:
        return find_recipe(recipe, dataset)
    if recipe is not None:
        raise InvalidInput(
            f"--recipe is {recipe!r} and --config is {config_file}; wanted one of the two, since a file has all "
            f"settings",
            field="config",
        )
    return read_config_file(config_file)

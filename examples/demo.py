"""The main job, end to end, on the built-in pictures. Run it with `make demo`.

Trains an embedding on some emoji, exports it, builds a gallery of others that it has never seen, serves it, and
searches it over gRPC with every picture of the gallery in turn (itself left out). The untrained backbone goes the same
way, for comparison. Each step is a command that is printed before it runs, so that it can be repeated by hand; what is
finished is not done again.
"""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image
from rich.console import Console

import smserve
from smserve.cli.contact_sheet import SheetHit, SheetRow, draw_contact_sheet
from smserve.images import decode
from training.datasets import load_dataset, write_csv

console = Console(highlight=False)
BIN = Path(sys.executable).parent
RECIPE = "emoji-smart-plus"
SHEET_QUERIES = 12
SHEET_HITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A model and what is made of it: one for the trained net, one for the untrained backbone."""

    title: str
    model: Path
    gallery: Path
    figures: Path


def run(*arguments: str | Path, capture: bool = False) -> str:
    """Run a command, shown as a user would type it; with `capture`, return what it prints."""
    command = [str(argument) for argument in arguments]
    console.print(f"[dim]$ {' '.join(command)}", soft_wrap=True)
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], check=False, text=True, stdout=subprocess.PIPE if capture else None
    )
    if done.returncode != 0:
        raise click.ClickException(f"`{' '.join(command)}` ended with status {done.returncode}; its message is above")
    return done.stdout or ""


@contextmanager
def serving(stage: Stage) -> Iterator[str]:
    """Run a real server process on a free port of this machine; yields its address."""
    command = ["smserve", "serve", "--model", str(stage.model), "--gallery", str(stage.gallery), "--port", "0"]
    command += ["--log-level", "warning"]
    console.print(f"[dim]$ {' '.join(command)} &", soft_wrap=True)
    with subprocess.Popen([str(BIN / "smserve"), *command[1:]], stdout=subprocess.PIPE, text=True) as process:
        try:
            announced = process.stdout.readline().split() if process.stdout else []
            if not announced:
                raise click.ClickException("the server did not start; its message is above")
            yield announced[-1]
        finally:
            process.terminate()
            process.wait(timeout=60)


def measure(stage: Stage, queries: Path) -> dict[str, float]:
    """Index and search the test pictures with a stage's model; returns K -> Recall@K, measured over gRPC."""
    console.rule(f"[bold]Search with {stage.title}", align="left")
    if not (stage.gallery / "CURRENT").exists():
        run("smserve", "index", "build", "--model", stage.model, "--csv", queries, "--gallery", stage.gallery)
    if not stage.figures.exists():
        with serving(stage) as address:
            report = run(
                "smserve", "index", "evaluate", "--queries", queries, "--server", address, "--json", capture=True
            )
        stage.figures.write_text(report, encoding="utf-8")
    return dict(json.loads(stage.figures.read_text(encoding="utf-8"))["recall"])


def draw_sheet(stage: Stage, queries: Path, title: str, output: Path) -> None:
    """Search with a few pictures, spread evenly over the set, and draw them beside what was found."""

    def name(label: str) -> str:
        """Return the emoji's name without its code points."""
        return label.partition(" ")[2].replace("_", " ") or label

    def opened(thumbnail: bytes | None) -> Image.Image | None:
        return None if thumbnail is None else decode(thumbnail)

    with queries.open(encoding="utf-8", newline="") as file:
        pictures = list(csv.DictReader(file))
    step = max(1, len(pictures) // SHEET_QUERIES)
    rows = []
    with serving(stage) as address, smserve.Client(address) as client:
        for query in pictures[step // 2 :: step][:SHEET_QUERIES]:
            picture = (queries.parent / query["path"]).read_bytes()
            found = client.search(picture, top_k=SHEET_HITS + 1, thumbnail=True).hits
            others = [hit for hit in found if hit.item_id != query["id"]][:SHEET_HITS]
            hits = [SheetHit(picture=opened(hit.thumbnail), label=name(hit.label), score=hit.score) for hit in others]
            label = name(query["label"])
            rows.append(SheetRow(picture=decode(picture), caption=label, label=label, hits=hits))
    subtitle = "Classes never seen in training; each query itself is left out. Found over gRPC."
    partial = io.BytesIO()
    draw_contact_sheet(rows, title=title, subtitle=subtitle).save(partial, "PNG")
    output.write_bytes(partial.getvalue())


def next_steps(run_dir: Path, stage: Stage, queries: Path) -> str:
    """Return the commands to go on with."""
    with queries.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    picture = queries.parent / first["path"]
    smserve_command = BIN / "smserve"
    return f"""Go on with:
  {smserve_command} serve --model {stage.model} --gallery {stage.gallery} &
  {smserve_command} ui                                   # a page to search with, in the browser; while it is served
  {smserve_command} search {picture} --picture {run_dir / "neighbours.png"}
  {smserve_command} index build --model {stage.model} --images YOUR_PHOTOS --gallery photos.gallery
  make train DATASET=folder:YOUR_PHOTOS NAME=photos      # one folder a class"""


@click.command()
@click.option("--name", default="demo", show_default=True, help="The run's name: a folder below --runs.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--epochs", type=int, help="Train for fewer epochs than the recipe, to see the whole path sooner.")
def main(name: str, runs: Path, data: Path, seed: int, epochs: int | None) -> None:
    """Train, export, index, serve and search the built-in pictures."""
    started = time.monotonic()
    run_dir = runs / name
    places: list[str | Path] = ["--data-dir", data, "--run-dir", runs]
    queries = run_dir / "test.csv"
    trained, untrained = (
        Stage(title=title, model=run_dir / f"{stem}.onnx", gallery=run_dir / gallery, figures=run_dir / figures)
        for title, stem, gallery, figures in (
            ("the trained model", "model", "gallery", "recall.json"),
            ("the untrained backbone", "untrained", "untrained-gallery", "recall-untrained.json"),
        )
    )
    console.rule("[bold]Train", align="left")
    if (run_dir / "evaluation.json").exists():
        console.print(f"{run_dir} is trained already; remove it to train again")
    else:
        resume = ["--resume"] if (run_dir / "config.json").exists() else []
        length = [] if epochs is None else ["--epochs", str(epochs)]
        wanted = ["--dataset", "emoji", "--recipe", RECIPE, "--name", name, "--seed", str(seed)]
        run("python", "-m", "training", "train", *wanted, *places, *length, *resume)
    for stage, untrained_only in ((trained, []), (untrained, ["--untrained"])):
        if not stage.model.exists():
            output: list[str | Path] = ["--output", stage.model, "--data-dir", data]
            run("python", "-m", "training", "export", run_dir, *untrained_only, *output)
    if not queries.exists():
        write_csv(load_dataset("emoji", data).test, queries)
    before = measure(untrained, queries)
    after = measure(trained, queries)

    console.rule("[bold]Look", align="left")
    title = f"Held-out emoji: Recall@1 {before['1']:.1%} untrained, {after['1']:.1%} trained"
    sheet = run_dir / "contact-sheet.png"
    draw_sheet(trained, queries, title, sheet)
    seconds = time.monotonic() - started
    summary = {"recall_untrained": before, "recall": after, "seconds": round(seconds, 1), "seed": seed}
    (run_dir / "demo.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")

    console.rule("[bold]Done", align="left")
    for k, value in after.items():
        console.print(f"Recall@{k}: {before[k]:6.1%} untrained backbone  ->  {value:6.1%} after training")
    console.print(f"Contact sheet: [bold]{sheet}[/]   ({seconds:.0f} s in all)\n", soft_wrap=True)
    console.print(next_steps(run_dir, trained, queries), soft_wrap=True)


if __name__ == "__main__":
    main()

"""A run of the tiny network that says each step's loss, alone or over several processes.

`torchrun --nproc-per-node 2 -m tests.training.trainer.shared_run KIND PICTURES RUN` writes RUN/losses.json, and the
names of the threads that each process has left into RUN/threads.RANK.json.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from smserve.errors import AlreadyExists
from tests.training.tiny import TinyBackbone, classes_config, paper_config
from training.config import FinishConfig, TrainConfig
from training.datasets import load_dataset
from training.distributed import gather_rows, is_first, joined_processes, once_for_all, process_rank
from training.model import BACKBONES
from training.trainer import RunFolder, train
from training.trainer.progress import Advance, EpochBar


class StillBackbone(TinyBackbone):
    """Nothing is dropped at random: each process would drop something else."""

    def __init__(self, weights: str) -> None:
        super().__init__(weights)
        self.drop.p = 0.0


def frozen(config: TrainConfig) -> TrainConfig:
    """Float32, frozen batch norms, no dropping, mining from the second epoch on."""
    return replace(
        config,
        model=replace(config.model, backbone="still", freeze_batch_norm=True),
        sampler=replace(config.sampler, random_epochs=1),
        precision="float32",
    )


_HELD_OUT = replace(paper_config().controller, kind="validation_error")
_PROXIES = replace(classes_config().loss, pair="proxy_anchor")  # which the loss learns in every process
SHARED_CONFIGS: dict[str, TrainConfig] = {
    "triplets": replace(frozen(paper_config()), epochs=3, controller=_HELD_OUT),
    "bank": replace(
        frozen(classes_config()), epochs=6, sampler=replace(frozen(classes_config()).sampler, embeddings="bank")
    ),
    "fitted": replace(
        frozen(classes_config()),
        epochs=6,
        model=replace(frozen(classes_config()).model, pooling="multilevel"),
        finish=FinishConfig(augmented=False, head="discriminant", shrinkage=0.1),
    ),
    "classes": replace(frozen(classes_config()), epochs=6, loss=_PROXIES),
}


class LossesBar(EpochBar):
    """Keeps each step's loss; what it is told is the mean so far."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()))
        self.losses: list[float] = []

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        sums = [0.0]
        with super().step(title, pictures) as advance:

            def kept(count: int, /, **figures: float) -> None:
                advance(count, **figures)
                if "loss" in figures:
                    sums.append(figures["loss"] * len(sums))
                    self.losses.append(sums[-1] - sums[-2])

            yield kept


def main(kind: str, pictures: str, path: Path) -> None:
    BACKBONES["still"] = StillBackbone
    bar = LossesBar()
    with joined_processes():
        train(
            SHARED_CONFIGS[kind],
            load_dataset(f"folder:{pictures}", path.parent),
            RunFolder(path),
            cache_dir=path.parent / "decoded",
            device=torch.device("cpu"),
            bar=bar,
            progress=lambda *_: None,
        )
        refused = gather_rows(torch.tensor([_is_refused()])).flatten().tolist()
        if is_first():
            (path / "losses.json").write_text(json.dumps(bar.losses), encoding="utf-8")
            (path / "refused.json").write_text(json.dumps(refused), encoding="utf-8")
        rank = process_rank()
    (path / f"threads.{rank}.json").write_text(json.dumps(_threads()), encoding="utf-8")


def _is_refused() -> bool:
    """Whether this process, too, is told of what only the first one sees."""

    def look() -> None:
        if not is_first():
            raise AssertionError
        raise AlreadyExists("something is there")

    try:
        once_for_all(look)
    except AlreadyExists as error:
        return error.message == "something is there"
    return False


def _threads() -> list[str]:
    """The names of this process's threads, those that C++ started among them."""
    return [name.read_text(encoding="utf-8").strip() for name in Path("/proc/self/task").glob("*/comm")]


if __name__ == "__main__":
    kind, pictures, path = sys.argv[1:]
    main(kind, pictures, Path(path))

"""One run of a contender and its record; records are kept in a file, a JSON line each, and never made twice."""

import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from smserve.memory import keep_freed_memory
from training.config import TrainConfig
from training.datasets import Dataset
from training.environment import commit
from training.evaluation import embed_pictures
from training.neighbours import nearest_neighbours
from training.trainer import RunFolder, train
from training.trainer.finished import load_network
from training.trainer.guards import CollapsedRun
from training.trainer.measuring import load_pixels
from training.trainer.progress import Advance, EpochBar

__all__ = ["Entry", "Records", "run_entry"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A run to make.

    Attributes:
        told: What the record says of it: data set, fold, method, stage, trial, seed, pictures.
        config: Its settings.
        dataset: Its pictures; the test pictures are what it is measured on.
    """

    told: Mapping[str, Any]
    config: TrainConfig
    dataset: Dataset

    @property
    def key(self) -> str:
        """The same for the same settings on the same pictures."""
        settings = self.config.to_dict()
        del settings["checkpoint"], settings["guards"]  # they change nothing of what comes out
        counts = {name: len(pictures) for name, pictures in self.dataset.splits.items()}
        document = json.dumps([self.dataset.name, counts, settings], sort_keys=True)
        return hashlib.sha256(document.encode()).hexdigest()[:16]


class Records:
    """The file of records."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a line that was cut off is as if it were not."""
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                self._known[record["key"]] = record

    def find(self, entry: Entry) -> dict[str, Any] | None:
        """Return the record of a run that was made."""
        found = self._known.get(entry.key)
        return None if found is None else {**found, **entry.told}

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record, on the disk before this returns."""
        self._known[record["key"]] = record
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():  # what was cut off must not spoil this line
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


class _OutOfTime(Exception):
    """The time that was given has passed; the run's checkpoints wait for the next."""


class _TimedBar(EpochBar):
    """Shows nothing, and ends a run when its time is over."""

    def __init__(self, deadline: float) -> None:
        super().__init__(Console(file=io.StringIO()))
        self._deadline = deadline

    @contextmanager
    def step(self, title: str, pictures: int) -> Iterator[Advance]:
        """See `EpochBar`."""
        with super().step(title, pictures) as advance:

            def timed(count: int, /, **figures: float) -> None:
                advance(count, **figures)
                if time.time() > self._deadline:
                    raise _OutOfTime

            yield timed


def run_entry(entry: Entry, cache: Path, deadline: float) -> dict[str, Any] | None:
    """Train, measure, and return the record; None when time was over first, and a later call goes on.

    Args:
        entry: The run.
        cache: Where its folder and decoded pictures are.
        deadline: In seconds since 1970.
    """
    if time.time() > deadline:
        return None
    keep_freed_memory()
    folder = RunFolder(cache / "runs" / entry.key)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    places: dict[str, Any] = {"cache_dir": cache / "decoded", "device": device, "progress": lambda *_: None}
    collapsed = None
    try:
        train(entry.config, entry.dataset, folder, bar=_TimedBar(deadline), resume=True, **places)
    except _OutOfTime:
        return None
    except CollapsedRun as error:
        collapsed = error.message
    lines = folder.epochs()
    hits = "0" * len(entry.dataset.test) if collapsed else _hits(folder, entry, places)
    elapsed = [sum(line["epoch_s"] for line in lines[: place + 1]) for place in range(len(lines))]
    record = {
        **entry.told,
        "key": entry.key,
        "recall_at_1": hits.count("1") / len(hits),
        "embedded_pictures": lines[-1]["embedded_pictures"] if lines else 0,
        "trained_pictures": sum(line["trained_pictures"] for line in lines),
        "seconds": elapsed[-1] if lines else 0,
        "curve": [
            [line["embedded_pictures"], seconds, line["validation_recall_at_1"]]
            for line, seconds in zip(lines, elapsed, strict=True)
        ],
        "collapsed": collapsed,
        "hits": hits,
        "settings": entry.config.to_dict(),
        "commit": commit(),
    }
    shutil.rmtree(folder.path)
    return record


def _hits(folder: RunFolder, entry: Entry, places: Mapping[str, Any]) -> str:
    """Return for each query "1" if its nearest picture is of its class, else "0"."""
    device = places["device"]
    net = load_network(folder, entry.config).to(device)
    queries = load_pixels(entry.dataset.test, entry.config, **places)
    embeddings = embed_pictures(net, queries.pixels, entry.config.resize)
    asked, labels = None, queries.labels
    if entry.dataset.gallery is not None:
        gallery = load_pixels(entry.dataset.gallery, entry.config, **places)
        asked, labels = embed_pictures(net, gallery.pixels, entry.config.resize), gallery.labels
    nearest, _ = nearest_neighbours(embeddings, 1, gallery=asked)
    right = labels[nearest[:, 0].cpu().numpy()] == queries.labels
    return "".join("1" if hit else "0" for hit in right)

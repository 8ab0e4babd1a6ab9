"""Gather what a report shows of a finished run."""

from pathlib import Path
from typing import Any, Final

import torch

from smserve.errors import NotFound
from training.calibration import Reliability, neighbour_pairs, reliability
from training.datasets import Dataset, PictureSet, Progress, decode_set
from training.datasets.load import public_name
from training.evaluation import embed_pictures
from training.pixel_store import PixelStore
from training.report import Embedded, RunReport, view_test
from training.trainer.calibrating import calibrate
from training.trainer.finished import load_network
from training.trainer.run_folder import RunFolder
from training.trainer.starts import read_starts

__all__ = ["gather_report"]

_ON_MAP: Final = 1500  # pictures, of all runs of a page together: about 2 MB
_NAMED: Final = ("torch", "torchvision", "numpy", "onnxruntime", "smserve")  # packages that figures may depend on


def gather_report(
    folder: RunFolder,
    dataset: Dataset,
    *,
    command: str,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
    share: int = 1,
) -> RunReport:
    """Return what there is to show of a finished run; its test and validation pictures go through the network again.

    Args:
        folder: Of the run.
        dataset: That it was trained on.
        command: That repeats it.
        cache_dir: Where decoded pictures are kept.
        device: Where to compute.
        progress: Told how far it is.
        share: How many runs stand on the page; each has that part of its pictures.

    Raises:
        NotFound: The run is not finished.
        SmserveError: Its network or its pictures can't be read.
    """
    config, name = folder.read_config()
    figures = folder.evaluation()
    if figures is None:
        raise NotFound(f"run {folder.path} is not finished, so it has no figures to report; go on with --resume")
    net = load_network(folder, config).to(device)
    steps = 4

    def embed(pictures: PictureSet) -> Embedded:
        pixels = decode_set(pictures, config.resize, cache_dir, progress)
        embeddings = embed_pictures(net, PixelStore(pixels, device), config.resize)
        return Embedded(pictures=pictures, pixels=pixels, embeddings=embeddings)

    progress("report", 0, steps)
    queries = embed(dataset.test)
    gallery = None if dataset.gallery is None else embed(dataset.gallery)
    progress("report", 1, steps)
    fitted = calibrate(net, dataset, config, cache_dir=cache_dir, device=device, progress=progress)
    progress("report", 2, steps)
    view = view_test(queries, gallery=gallery, on_map=_ON_MAP // share)
    progress("report", 3, steps)
    judged: Reliability | None = None
    if fitted is not None:
        asked: dict[str, Any] = {}
        if gallery is not None:
            asked = {"gallery": gallery.embeddings, "gallery_labels": gallery.pictures.labels}
        pairs = neighbour_pairs(queries.embeddings, queries.pictures.labels, **asked)
        judged = reliability(fitted.calibration.probability(pairs.cosines), pairs.same)
    progress("report", steps, steps)
    return RunReport(
        name=folder.path.name,
        dataset=public_name(name),
        notes=dataset.notes,
        splits={
            split: (len(part), len(set(part.labels.tolist()))) for split, part in dataset.splits.items() if len(part)
        },
        config=config.to_dict(),
        origin=_origin(folder),
        epochs=folder.epochs(),
        figures=figures,
        parameters=sum(weight.numel() for weight in net.parameters()),
        command=command,
        test=view,
        calibration=fitted,
        test_reliability=judged,
    )


def _origin(folder: RunFolder) -> dict[str, str]:
    """Return what the run was computed with, as a person reads it: label -> text."""
    starts = read_starts(folder.environment_file)
    if not starts:
        return {}
    last = starts[-1]
    packages, hardware = last.get("packages", {}), last.get("hardware", {})
    software = [f"Python {last.get('python')}", *(f"{name} {packages[name]}" for name in _NAMED if name in packages)]
    gpus = [gpu["name"] for gpu in hardware.get("gpus", [])]
    machine = [*gpus, str(hardware.get("processor")), f"{hardware.get('usable_cores') or hardware.get('cores')} cores"]
    found = {"Commit": last.get("commit"), "Software": ", ".join(software), "Hardware": ", ".join(machine)}
    if len(starts) > 1:
        found["Starts"] = f"{len(starts)}: it was interrupted and went on"
    return {label: text for label, text in found.items() if text}

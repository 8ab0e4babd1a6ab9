"""What is done with a run after training: its network, its figures, its model file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from smserve.images import crop_center
from training.config import TrainConfig
from training.datasets import Dataset, PictureSet, Progress, decode_set, public_name
from training.evaluation import LabelledPixels, evaluate
from training.export import OnnxNetwork, export_model
from training.model import EmbeddingNet, build_model
from training.pixel_store import PixelStore
from training.trainer.calibrating import calibrate
from training.trainer.measuring import measure_test_classes
from training.trainer.run_folder import RunFolder

__all__ = ["evaluate_model", "evaluate_run", "export_run", "load_network"]

_CHECK_PICTURES: Final = 4
_NEIGHBOUR_PICTURES: Final = 256


def load_network(folder: RunFolder, config: TrainConfig, *, untrained: bool = False) -> EmbeddingNet:
    """Return a run's network; untrained, the backbone's pooled features as they were before it.

    Raises:
        NotFound: The run has no checkpoint.
        DataLoss: Its checkpoint is damaged.
    """
    if untrained:
        return build_model(config.model, with_head=False).eval()
    net = build_model(replace(config.model, weights="none"))  # the checkpoint has them all
    net.load_state_dict(folder.checkpoints.load()["net"])
    return net.eval()


def evaluate_run(
    folder: RunFolder,
    dataset: Dataset,
    *,
    cache_dir: Path,
    device: torch.device,
    progress: Progress,
    untrained: bool = False,
) -> dict[str, Any]:
    """Return the figures of a run on the test classes."""
    config, _ = folder.read_config()
    net = load_network(folder, config, untrained=untrained).to(device)
    return measure_test_classes(net, dataset, config, cache_dir=cache_dir, device=device, progress=progress)


def evaluate_model(
    net: OnnxNetwork, dataset: Dataset, *, recall_at: Sequence[int], cache_dir: Path, progress: Progress
) -> dict[str, Any]:
    """Return the figures of a model file on the test classes, by ONNX Runtime on the CPU."""
    rule = net.manifest.resize

    def load(pictures: PictureSet) -> LabelledPixels:
        pixels = PixelStore(decode_set(pictures, rule, cache_dir, progress), torch.device("cpu"))
        return LabelledPixels(pixels=pixels, labels=pictures.labels)

    gallery = None if dataset.gallery is None else load(dataset.gallery)
    return evaluate(net, load(dataset.test), rule, gallery=gallery, ks=recall_at)


def export_run(
    folder: RunFolder,
    dataset: Dataset,
    output: Path,
    *,
    cache_dir: Path,
    progress: Progress,
    untrained: bool = False,
) -> str:
    """Write a run's model file and return its fingerprint.

    Its self-check pictures are validation pictures, training pictures where there are none; neighbours are compared on
    test pictures; probabilities are fitted on the validation classes.
    """
    config, dataset_name = folder.read_config()
    net = load_network(folder, config, untrained=untrained)
    pictures = dataset.validation if len(dataset.validation) else dataset.train
    chosen = np.linspace(0, len(pictures) - 1, _CHECK_PICTURES).astype(int)
    sample = np.linspace(0, len(dataset.test) - 1, min(_NEIGHBOUR_PICTURES, len(dataset.test))).astype(int)
    squares = decode_set(dataset.test, config.resize, cache_dir, progress)[sample]
    rule = config.resize
    cpu = torch.device("cpu")
    fitted = calibrate(net, dataset, config, cache_dir=cache_dir, device=cpu, progress=progress)
    figures = None if untrained else folder.evaluation()
    provenance = {
        "dataset": public_name(dataset_name),
        "recipe": f"{config.model.backbone}, untrained" if untrained else config.recipe,
        "seed": config.seed,
        "epochs": 0 if untrained else config.epochs,
        "commit": folder.commit(),
        "recall_at_1": figures["recall_at_1"] if figures else None,
    }
    return export_model(
        net,
        rule=rule,
        name=f"{folder.path.name}-untrained" if untrained else folder.path.name,
        provenance=provenance,
        check_pictures=[(_public_id(pictures.ids[place]), pictures.paths[place].read_bytes()) for place in chosen],
        neighbour_pictures=np.ascontiguousarray(crop_center(squares, rule.height, rule.width)),
        output=output,
        calibration=None if fitted is None else fitted.calibration,
    )


def _public_id(name: str) -> str:
    """Return a picture's id without this machine's folders, which a CSV may name."""
    return Path(name).name if Path(name).is_absolute() else name

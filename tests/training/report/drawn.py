"""Reports to draw pages of: pictures of one colour a class, embedded on a sphere."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.training.tiny import paper_config
from training.calibration import Calibrated, NeighbourPairs, fit_calibration, neighbour_pairs, reliability
from training.datasets import PictureSet
from training.report import Embedded, RunReport, TestView, view_test

NO_TEST = TestView(hits=(), misses=(), hardest=(), map=None)


def embedded(vectors: torch.Tensor, labels: list[int], class_names: tuple[str, ...] = ("a", "b", "c")) -> Embedded:
    """Pictures number 0, 1, ... whose pixels hold their number."""
    pixels = np.zeros((len(labels), 8, 8, 3), np.uint8)
    pixels += np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    pictures = PictureSet(
        name="drawn/test",
        paths=tuple(Path(f"{number}.png") for number in range(len(labels))),
        labels=np.array(labels, np.int64),
        class_names=class_names,
    )
    return Embedded(pictures=pictures, pixels=pixels, embeddings=torch.nn.functional.normalize(vectors.float(), dim=1))


def clusters(classes: int = 6, per_class: int = 5, spread: float = 0.5) -> Embedded:
    """Classes that overlap a little."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(classes, 4))
    vectors = np.repeat(centres, per_class, axis=0) + spread * random.normal(size=(classes * per_class, 4))
    labels = [number // per_class for number in range(classes * per_class)]
    return embedded(torch.from_numpy(vectors), labels, tuple(f"class {number}" for number in range(classes)))


def calibrated() -> Calibrated:
    random = np.random.default_rng(0)
    cosines = random.uniform(0, 1, 2000)
    same = random.uniform(size=2000) < 1 / (1 + np.exp(6 - 10 * cosines))
    pairs = NeighbourPairs(cosines=cosines, same=same, queries=random.integers(0, 20, 2000))
    found = fit_calibration(pairs, fitted_on="drawn/validation")
    assert found is not None
    return found


def epochs(count: int = 4) -> list[dict[str, Any]]:
    return [
        {
            "epoch": number,
            "loss": 1 / number,
            "pair_loss": 0.9 / number,
            "global_loss": 0.1 / number,
            "active_share": 0.4 + 0.1 / number,
            "mined_active_share": None if number == 1 else 0.5,
            "difficulty": None if number == 1 else 4.0 / number,
            "next_difficulty": 4.0 / (number + 1),
            "controller_target": 0.5,
            "embedded_pictures": 1000 * number,
            "validation_recall_at_1": 0.2 * number,
            "validation_recall_at_4": 0.25 * number,
            "epoch_s": 40.0,
        }
        for number in range(1, count + 1)
    ]


def drawn_report(**changes: Any) -> RunReport:
    test, fitted = clusters(), calibrated()
    pairs = neighbour_pairs(test.embeddings, test.pictures.labels)
    report = RunReport(
        name="first",
        dataset="drawn",
        splits={"train": (80, 10), "validation": (16, 2), "test": (30, 6)},
        config=asdict(paper_config()),
        epochs=epochs(),
        figures={"recall_at_1": 0.5, "recall_at_2": 0.75, "map_at_r": 0.25, "nmi": 0.6, "pictures": 30, "classes": 6},
        parameters=1234567,
        command="python -m training train --dataset drawn --name first-again",
        test=view_test(test),
        notes=("2 pictures were left out",),
        origin={"Commit": "0123abc", "Hardware": "a laptop, 2 cores"},
        calibration=fitted,
        test_reliability=reliability(fitted.calibration.probability(pairs.cosines), pairs.same),
    )
    return replace(report, **changes)

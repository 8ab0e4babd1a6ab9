from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.training.tiny import SIDE, classes_config
from training.datasets import Dataset, PictureSet
from training.trainer.calibrating import calibrate, some_classes


def pictures(counts: list[int]) -> PictureSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    return PictureSet(
        name="drawn/validation",
        paths=tuple(Path(f"{number}.png") for number in range(len(labels))),
        labels=labels,
        class_names=tuple(f"class {number}" for number in range(len(counts))),
    )


def test_few_pictures_are_all_taken() -> None:
    some = pictures([3, 4])
    assert some_classes(some, 7) is some


def test_of_many_pictures_whole_classes_are_taken() -> None:
    every = pictures([5] * 40)
    some = some_classes(every, 60)
    assert len(some) <= 60
    assert set(np.bincount(some.labels)) == {0, 5}
    assert [path.name for path in some.paths] == [f"{number}.png" for number in np.flatnonzero(every.labels % 4 == 0)]
    assert some.ids == tuple(path.name for path in some.paths)


class MeanColour(nn.Module):
    """Embeds a picture by its mean colour: pictures of a hue lie near each other, those of others not always."""

    def forward(self, images: Tensor) -> Tensor:
        centre = images[:, 6:14, 6:14].float().mean((1, 2)) - 100
        return nn.functional.normalize(centre, dim=1)


def test_probabilities_are_fitted_on_validation_classes(hues: Dataset, tmp_path: Path) -> None:
    # the training classes stand in, since two validation classes are too few
    data = replace(hues, validation=hues.train, train=hues.validation)
    config = classes_config()
    assert (config.resize.height, config.resize.size) == (SIDE, SIDE)
    places: dict[str, Any] = {"cache_dir": tmp_path, "device": torch.device("cpu"), "progress": lambda *_: None}
    found = calibrate(MeanColour(), data, config, **places)
    assert found is not None
    assert found.calibration.fitted_on == "folder:hues/validation", "a model file tells no folders of this machine"
    assert found.calibration.pairs == 80 * 10
    near, far = found.calibration.probability([1.0, 0.0])
    assert near > found.calibration.same_class_share > far
    assert calibrate(MeanColour(), hues, config, **places) is None, "two classes are too few"


def test_without_validation_classes_there_is_none(hues: Dataset, tmp_path: Path) -> None:
    empty = PictureSet(name="none", paths=(), labels=np.zeros(0, np.int64), class_names=())
    data = replace(hues, validation=empty)
    places: dict[str, Any] = {"cache_dir": tmp_path, "device": torch.device("cpu"), "progress": lambda *_: None}
    assert calibrate(MeanColour(), data, classes_config(), **places) is None

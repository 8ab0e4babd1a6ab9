import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from smserve.errors import DataLoss, InvalidInput, NotFound
from tests.training.datasets.archives import in_small, pack_tgz
from tests.training.datasets.trees import CarsLayout, write_cars196
from training.datasets import Dataset, load_dataset
from training.datasets.cars196 import CARS196
from training.datasets.published import load_benchmark

LAYOUTS = get_args(CarsLayout)


def load(place: Path, *, official: bool = False) -> Dataset:
    return load_dataset(f"cars196{'-official' if official else ''}:{place}", place, allow_subset=True)


def test_the_real_counts() -> None:
    assert (
        str(CARS196.counts) == "98 classes with 8,054 pictures to train on, 98 classes with 8,131 pictures to test on"
    )
    assert CARS196.official is not None
    assert CARS196.official.train.pictures + CARS196.official.test.pictures == 16_185 == 8_054 + 8_131


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout: CarsLayout, tmp_path: Path) -> None:
    dataset = load(write_cars196(tmp_path, layout))
    assert [name[-15:] for name in dataset.train.class_names] == [f"Maker {number:03} Coupe" for number in (1, 2, 3)]
    assert [name[-15:] for name in dataset.test.class_names] == [
        f"Maker {number:03} Coupe" for number in (99, 100, 101)
    ]
    for part in (dataset.train, dataset.test):
        assert len(part) == 12
        assert [int((part.labels == label).sum()) for label in range(3)] == [4, 4, 4]
        assert not any(path.name.startswith("._") for path in part.paths)


def test_parent_folder(tmp_path: Path) -> None:
    write_cars196(tmp_path / "cars196", "devkit")
    assert len(load(tmp_path).test) == 12


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "class folders"])
def test_the_archives_own_split(layout: CarsLayout, tmp_path: Path) -> None:
    dataset = load(write_cars196(tmp_path, layout), official=True)
    assert dataset.allow_shared_classes
    assert dataset.train.class_names == dataset.test.class_names
    assert (len(dataset.train), len(dataset.test)) == (12, 12)


def test_bare_folders_do_not_tell_the_archives_own_split(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="don't tell which pictures are for training"):
        load(write_cars196(tmp_path, "class folders"), official=True)


def test_numbered_folders_come_in_the_order_of_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10, 11):
        write_cars196(tmp_path / "all", "class folders", classes=2)
        shutil.move(tmp_path / "all" / "Maker 001 Coupe", tmp_path / "cars" / str(number))
        shutil.rmtree(tmp_path / "all")
    assert load(tmp_path / "cars").train.class_names == ("1", "2")


def test_without_names_classes_are_numbers(tmp_path: Path) -> None:
    write_cars196(tmp_path, "devkit")
    (tmp_path / "devkit" / "cars_meta.mat").unlink()
    assert load(tmp_path).train.class_names == ("001", "002", "003")


@pytest.mark.parametrize(
    ("layout", "damage", "says"),
    [
        ("one list", lambda root: (root / "cars_annos.mat").write_bytes(b"x" * 200), "can't be read as a MATLAB file"),
        ("one list", lambda root: (root / "cars_annos.mat").write_bytes(b""), "can't be read as a MATLAB file"),
        (
            "one list",
            lambda root: shutil.copy(root.parent / "kit" / "cars_test_annos_withlabels.mat", root / "cars_annos.mat"),
            "has no annotations.relative_im_path; wanted annotations with relative_im_path, class, test",
        ),
        (
            "devkit",
            lambda root: shutil.copy(root / "devkit" / "cars_meta.mat", root / "devkit" / "cars_train_annos.mat"),
            "has no annotations.fname",
        ),
    ],
)
def test_damaged_lists_are_named(
    layout: CarsLayout, damage: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    write_cars196(tmp_path / "kit", "devkit")
    damage(write_cars196(tmp_path / "cars", layout))
    with pytest.raises(DataLoss, match=says):
        load(tmp_path / "cars")


def test_a_class_out_of_range_is_named(tmp_path: Path) -> None:
    write_cars196(tmp_path, "one list", classes=99)  # 197 is no class
    with pytest.raises(DataLoss, match=r"gives car_ims/000789\.jpg the class 197, wanted 1 to 196"):
        load(tmp_path)


@pytest.mark.parametrize("lost", ["cars_annos.mat", "car_ims"])
def test_pictures_or_list_alone_are_no_cars196(lost: str, tmp_path: Path) -> None:
    path = write_cars196(tmp_path, "one list") / lost
    path.rename(tmp_path.parent / f"{tmp_path.name}-{lost}")
    with pytest.raises(NotFound, match=r"holds no Cars196; wanted car_ims/ and cars_annos\.mat; or cars_train/"):
        load(tmp_path)


@pytest.mark.parametrize("layout", ["one list", "devkit"])
def test_dropped_archives(layout: CarsLayout, tmp_path: Path) -> None:
    tree = write_cars196(tmp_path / "tree", layout)
    dropped = tmp_path / "cars196"
    dropped.mkdir()
    tops = {
        "car_ims.tgz": "car_ims",
        "cars_train.tgz": "cars_train",
        "cars_test.tgz": "cars_test",
        "car_devkit.tgz": "devkit",
    }
    packed = {name: pack_tgz({top: tree / top}) for name, top in tops.items() if (tree / top).is_dir()}
    packed |= {path.name: path.read_bytes() for path in tree.glob("*.mat")}
    small = in_small(CARS196, tree, packed)
    last = max(packed)
    for name, content in packed.items():
        if name != last:
            (dropped / name).write_bytes(content)
    with pytest.raises(NotFound, match="data set cars196 is not there: put ") as caught:
        load_benchmark(small, data_dir=tmp_path)
    for part in (*packed, "car_ims.tgz", "cars_test.tgz", str(dropped), "is there already"):
        assert part in caught.value.message
    (dropped / last).write_bytes(packed[last])
    dataset = load_benchmark(small, data_dir=tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (12, 12)
    assert all((dropped / "unpacked") in path.parents for path in dataset.train.paths)
    assert not list((dropped / "unpacked").rglob("._*"))

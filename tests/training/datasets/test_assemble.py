from pathlib import Path

import pytest

from smserve.errors import DataLoss, InvalidInput
from tests.training.datasets.archives import in_small
from tests.training.datasets.trees import write_cub, write_sop
from training.datasets import load_dataset
from training.datasets.cub import CUB
from training.datasets.published import load_benchmark


def test_other_counts_are_refused_unless_a_part_is_accepted(tmp_path: Path) -> None:
    write_cub(tmp_path)
    with pytest.raises(DataLoss) as caught:
        load_dataset(f"cub:{tmp_path}", tmp_path)
    for part in (
        "has 3 classes with 12 pictures to train on, 3 classes with 12 pictures to test on; wanted 100 classes with ",
        "--allow-subset",
    ):
        assert part in caught.value.message
    (note,) = load_dataset(f"cub:{tmp_path}", tmp_path, allow_subset=True).notes
    assert note.startswith("a part of CUB-200-2011 (3 classes with 12 pictures to train on")
    assert note.endswith("figures can't be compared with the papers'")


def test_all_of_it_is_no_part(tmp_path: Path) -> None:
    tree = write_cub(tmp_path / "CUB_200_2011")
    small = in_small(CUB, tree)
    assert load_benchmark(small, data_dir=tmp_path, place=str(tree), allow_subset=True).notes == ()


def test_missing_pictures_are_counted_and_left_out_of_a_part(tmp_path: Path) -> None:
    write_sop(tmp_path)
    for name in ("bicycle_final/1000002_0.JPG", "bicycle_final/1011320_3.JPG"):
        (tmp_path / name).unlink()
    with pytest.raises(DataLoss, match=r"2 pictures are missing from .*, first bicycle_final/1000002_0\.JPG"):
        load_dataset(f"sop:{tmp_path}", tmp_path)
    dataset = load_dataset(f"sop:{tmp_path}", tmp_path, allow_subset=True)
    assert (len(dataset.train), len(dataset.test)) == (11, 11)
    assert all(path.is_file() for path in (*dataset.train.paths, *dataset.test.paths))


@pytest.mark.parametrize(
    ("classes", "per_class", "says"),
    [
        (1, 4, "has 1 classes to train on, wanted at least 2"),
        (3, 1, "has 0 classes to train on, wanted at least 2"),
    ],
)
def test_a_part_that_is_too_small_is_refused(classes: int, per_class: int, says: str, tmp_path: Path) -> None:
    write_cub(tmp_path, classes=classes, per_class=per_class)
    with pytest.raises(InvalidInput, match=says):
        load_dataset(f"cub:{tmp_path}", tmp_path, allow_subset=True)


def test_a_part_with_nothing_to_test_on_is_refused(tmp_path: Path) -> None:
    write_cub(tmp_path)
    for folder in (tmp_path / "images").glob("10[12]*"):
        folder.rename(tmp_path / folder.name)
    with pytest.raises(InvalidInput, match=r"has 1 classes to test on \(of two or more pictures\), wanted at least 2"):
        load_dataset(f"cub:{tmp_path}", tmp_path, allow_subset=True)

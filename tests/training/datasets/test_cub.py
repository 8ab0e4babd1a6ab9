from pathlib import Path

import numpy as np
import pytest

from smserve.errors import DataLoss, NotFound
from smserve.images import ResizeRule
from tests.training.datasets.archives import in_small, pack_tgz
from tests.training.datasets.file_server import serving
from tests.training.datasets.trees import write_cub
from training.datasets import Dataset, decode_set, load_dataset
from training.datasets.cub import CUB
from training.datasets.load import CUB_URL_VARIABLE
from training.datasets.published import load_benchmark


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cub(tmp_path_factory.mktemp("cub") / "CUB_200_2011")


@pytest.fixture
def own_tree(tmp_path: Path) -> Path:
    return write_cub(tmp_path / "cub" / "CUB_200_2011")


def load(place: Path, *, official: bool = False) -> Dataset:
    return load_dataset(f"cub{'-official' if official else ''}:{place}", place, allow_subset=True)


def test_the_real_counts() -> None:
    assert str(CUB.counts) == "100 classes with 5,864 pictures to train on, 100 classes with 5,924 pictures to test on"
    assert CUB.official is not None
    assert CUB.official.train.pictures + CUB.official.test.pictures == 11_788 == 5_864 + 5_924


def test_root_or_parent(tree: Path) -> None:
    for folder in (tree, tree.parent):
        dataset = load(folder)
        assert dataset.name == f"cub:{folder}"
        assert dataset.train.class_names == ("001.Bird_1", "002.Bird_2", "003.Bird_3")
        assert dataset.test.class_names == ("101.Bird_101", "102.Bird_102", "103.Bird_103")
        assert (len(dataset.validation), dataset.gallery) == (0, None)
        np.testing.assert_array_equal(dataset.test.labels, np.repeat([0, 1, 2], 4))
        assert dataset.test.paths[0] == tree / "images" / "101.Bird_101" / "Bird_0000.jpg"


def test_grayscale_becomes_rgb(tree: Path, tmp_path: Path) -> None:
    pixels = decode_set(load(tree).train, ResizeRule(size=8, height=8, width=8), tmp_path)
    assert pixels.shape == (12, 8, 8, 3)
    assert np.ptp(pixels[3], axis=-1).max() == 0
    assert np.ptp(pixels[0], axis=-1).max() > 0


def test_the_archives_own_split_is_had_by_its_name_alone(tree: Path) -> None:
    dataset = load(tree, official=True)
    assert dataset.allow_shared_classes
    assert dataset.train.class_names == dataset.test.class_names
    assert len(dataset.train.class_names) == 6
    # train_test_split.txt gives the odd ones to training
    assert {path.stem[-1] for path in dataset.train.paths} == {"1", "3"}
    assert "CAN'T be compared" in dataset.notes[0]
    assert not load_dataset(f"cub:{tree}", tree, allow_subset=True, allow_shared_classes=True).allow_shared_classes


def test_downloaded_unpacked_and_used_again(tree: Path, tmp_path: Path) -> None:
    archive = pack_tgz({"CUB_200_2011": tree})
    with serving(archive) as server:
        server.break_after = len(archive) // 2 + 1
        small = in_small(CUB, tree, {"CUB_200_2011.tgz": archive}, url=server.url)
        dataset = load_benchmark(small, data_dir=tmp_path)
    assert (len(dataset.train), len(dataset.test), dataset.name, dataset.notes) == (12, 12, "cub", ())
    unpacked = tmp_path / "cub" / "unpacked" / "CUB_200_2011"
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "classes.txt",
        "image_class_labels.txt",
        "images",
        "images.txt",
        "train_test_split.txt",
    ]
    assert not list(unpacked.rglob("._*"))
    assert load_benchmark(small, data_dir=tmp_path).test.ids == dataset.test.ids  # no server now
    assert load_benchmark(small, data_dir=tmp_path, official=True).name == "cub-official"


def test_without_archive_and_network_one_line_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CUB_URL_VARIABLE, "http://127.0.0.1:9/CUB_200_2011.tgz")
    with pytest.raises(NotFound) as caught:
        load_dataset("cub", tmp_path)
    message = caught.value.message
    assert "\n" not in message
    for part in (
        "http://127.0.0.1:9/",
        "put CUB_200_2011.tgz (1,150,585,339 bytes, md5 97eceeb196236b17998738112f37df78)",
        f"into {tmp_path / 'cub'}",
    ):
        assert part in message


def test_what_is_no_cub(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"holds no CUB-200-2011; wanted CUB_200_2011 with images\.txt"):
        load_dataset(f"cub:{tmp_path}", tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("images.txt", "1 001", "x 001", r"images.txt, line 1: 'x 001.Bird_1/Bird_0000.jpg', wanted image_id path"),
        ("image_class_labels.txt", "2 1\n", "2 red\n", "image_class_labels.txt, line 2: '2 red'"),
        ("image_class_labels.txt", "24 103\n", "", "don't belong together"),
        ("image_class_labels.txt", "24 103\n", "24 104\n", "don't belong together"),
        ("images.txt", "Bird_0001.jpg", "Bird_0000.jpg", r"name 001.Bird_1/Bird_0000.jpg twice"),
    ],
)
def test_damaged_lists_are_named(file: str, old: str, new: str, says: str, own_tree: Path) -> None:
    path = own_tree / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataLoss, match=says):
        load(own_tree)


@pytest.mark.parametrize(
    ("text", "says"), [(None, r"train_test_split\.txt can't be read"), ("1 1\n", "lacks pictures of images")]
)
def test_the_archives_own_split_needs_its_list(text: str | None, says: str, own_tree: Path) -> None:
    path = own_tree / "train_test_split.txt"
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert len(load(own_tree).train) == 12
    with pytest.raises(DataLoss, match=says):
        load(own_tree, official=True)


def test_unpacked_by_hand(own_tree: Path) -> None:
    assert len(load_benchmark(in_small(CUB, own_tree), data_dir=own_tree.parents[1]).train) == 12

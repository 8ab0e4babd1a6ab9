from pathlib import Path

import numpy as np
import pytest

from smserve.errors import DataLoss, InvalidInput, NotFound
from tests.training.datasets.archives import files_below, in_small, pack_zip
from tests.training.datasets.trees import write_inshop
from training.datasets import Dataset, load_dataset
from training.datasets.inshop import INSHOP
from training.datasets.published import load_benchmark


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_inshop(tmp_path / "tree")


def load(place: Path) -> Dataset:
    return load_dataset(f"inshop:{place}", place, allow_subset=True)


def test_the_real_counts() -> None:
    counts = INSHOP.counts
    assert (counts.train.classes, counts.train.pictures) == (3_997, 25_882)
    assert (counts.test.classes, counts.test.pictures) == (3_985, 14_218)
    assert counts.gallery is not None
    assert counts.train.pictures + counts.test.pictures + counts.gallery.pictures == 52_712


def test_queries_ask_a_gallery_of_the_same_classes(tree: Path) -> None:
    dataset = load(tree)
    gallery = dataset.gallery
    assert gallery is not None
    assert dataset.train.class_names == ("id_00000001", "id_00000002", "id_00000003")
    assert dataset.test.class_names == gallery.class_names == ("id_00004000", "id_00004001", "id_00004002")
    assert (len(dataset.train), len(dataset.test), len(gallery)) == (12, 6, 6)
    np.testing.assert_array_equal(dataset.test.labels, gallery.labels)
    assert not set(dataset.test.ids) & set(gallery.ids)
    assert dataset.test.ids[0] == "img/WOMEN/Dresses/id_00004000/00_1_front.jpg"
    assert "no checksum of In-Shop's archive is known" in dataset.notes[0]


def test_an_item_without_a_match_keeps_its_number(tree: Path) -> None:
    path = tree / "Eval" / "list_eval_partition.txt"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not ("id_00004000 " in line and line.endswith("query\n"))))
    dataset = load(tree)
    assert dataset.gallery is not None
    assert dataset.test.class_names == dataset.gallery.class_names
    assert set(dataset.test.labels) == {1, 2}
    assert set(dataset.gallery.labels) == {0, 1, 2}


@pytest.mark.parametrize("status", ["query", "gallery"])
def test_an_item_that_is_trained_on_too_is_refused(status: str, tree: Path) -> None:
    path = tree / "Eval" / "list_eval_partition.txt"
    text = path.read_text()
    path.write_text(text.replace("id_00000003 train", f"id_00000003 {status}", 1))
    with pytest.raises(InvalidInput, match=r"train and .*/test share 1 classes \(id_00000003\)"):
        load(tree)


def test_the_folder_as_it_is_published(tree: Path) -> None:
    top = tree.parent / "In-shop Clothes Retrieval Benchmark"
    (top / "Img").mkdir(parents=True)
    (tree / "img").rename(top / "Img" / "img")
    (tree / "Eval").rename(top / "Eval")
    assert len(load(top.parent).test) == 6
    (top / "Img" / "img").rename(top / "Img" / "img.zip")
    with pytest.raises(NotFound, match=r"holds no In-Shop Clothes Retrieval; wanted img/ and list_eval_partition\.txt"):
        load(top.parent)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("evaluation_status", "status", r"line 2: .* wanted image_name item_id evaluation_status"),
        ("id_00000001 train", "id_00000001 test", r"line 3: 'img/WOMEN"),
        ("id_00000001 train", "train", r"line 3: 'img/WOMEN"),
    ],
)
def test_damaged_lists_are_named(old: str, new: str, says: str, tree: Path) -> None:
    path = tree / "Eval" / "list_eval_partition.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataLoss, match=says):
        load(tree)


def test_a_part_in_which_nothing_can_be_found_is_refused(tree: Path) -> None:
    path = tree / "Eval" / "list_eval_partition.txt"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.endswith("gallery\n")))
    with pytest.raises(
        InvalidInput, match=r"0 classes to test on \(both asked for and in the gallery\), wanted at least 2"
    ):
        load(tree)


def test_dropped_archives(tree: Path, tmp_path: Path) -> None:
    small = in_small(INSHOP, tree)
    folder = tmp_path / "inshop"
    (folder / "Img").mkdir(parents=True)
    (folder / "Img" / "img.zip").write_bytes(pack_zip(files_below(tree / "img", "img")))
    with pytest.raises(NotFound) as caught:
        load_benchmark(small, data_dir=tmp_path)
    for part in (f"put img.zip and list_eval_partition.txt into {folder}", "of these, img.zip is there already"):
        assert part in caught.value.message
    (folder / "list_eval_partition.txt").write_bytes((tree / "Eval" / "list_eval_partition.txt").read_bytes())
    dataset = load_benchmark(small, data_dir=tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (12, 6)
    assert len(dataset.notes) == 1

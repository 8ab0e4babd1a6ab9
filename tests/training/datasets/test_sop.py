from pathlib import Path

import pytest

from smserve.errors import DataLoss, NotFound
from tests.training.datasets.archives import files_below, in_small, pack_zip
from tests.training.datasets.file_server import serving
from tests.training.datasets.trees import write_sop
from training.datasets import load_dataset
from training.datasets.published import load_benchmark
from training.datasets.sop import SOP

ROOT = "Stanford_Online_Products"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_sop(tmp_path / ROOT)


def test_the_real_counts() -> None:
    assert str(SOP.counts) == (
        "11,318 classes with 59,551 pictures to train on, 11,316 classes with 60,502 pictures to test on"
    )


def test_root_or_parent(tree: Path) -> None:
    for folder in (tree, tree.parent):
        dataset = load_dataset(f"sop:{folder}", folder, allow_subset=True)
        assert dataset.train.class_names == ("00001 coffee_maker", "00002 bicycle", "00003 coffee_maker")
        assert dataset.test.class_names == ("11319 coffee_maker", "11320 bicycle", "11321 coffee_maker")
        assert dataset.test.ids[4] == "bicycle_final/1011320_0.JPG"
        assert (len(dataset.train), len(dataset.test), dataset.gallery) == (12, 12, None)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("Ebay_train.txt", "class_id", "klass", r"Ebay_train.txt, line 1: .* wanted image_id class_id super_class_id"),
        ("Ebay_test.txt", "13 11319 ", "13 x ", r"Ebay_test.txt, line 2: '13 x 2 coffee_maker_final"),
        ("Ebay_test.txt", "13 11319 2 ", "13 11319 ", r"Ebay_test.txt, line 2"),
    ],
)
def test_damaged_lists_are_named(file: str, old: str, new: str, says: str, tree: Path) -> None:
    path = tree / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataLoss, match=says):
        load_dataset(f"sop:{tree}", tree, allow_subset=True)


def test_a_missing_list(tree: Path) -> None:
    (tree / "Ebay_test.txt").unlink()
    with pytest.raises(DataLoss, match=r"Ebay_test\.txt can't be read \(No such file"):
        load_dataset(f"sop:{tree}", tree)


def test_dropped_or_downloaded(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack_zip({**files_below(tree, ROOT), f"__MACOSX/{ROOT}/._Info.txt": b"x", f"{ROOT}/Info.txt": b"x"})
    small = in_small(SOP, tree, {f"{ROOT}.zip": archive})
    monkeypatch.delenv("SMSERVE_SOP_URL", raising=False)
    with pytest.raises(NotFound) as caught:
        load_benchmark(small, data_dir=tmp_path / "a")
    for part in (f"put {ROOT}.zip ({len(archive):,} bytes, md5 ", "Google Drive", "set SMSERVE_SOP_URL to"):
        assert part in caught.value.message
    with serving(archive) as server:
        monkeypatch.setenv("SMSERVE_SOP_URL", server.url)
        assert len(load_benchmark(small, data_dir=tmp_path / "a").test) == 12
    (tmp_path / "b" / "sop").mkdir(parents=True)
    (tmp_path / "b" / "sop" / f"{ROOT}.zip").write_bytes(archive)
    assert len(load_benchmark(small, data_dir=tmp_path / "b").test) == 12
    unpacked = tmp_path / "b" / "sop" / "unpacked"
    assert [path.name for path in unpacked.iterdir()] == [ROOT]
    assert not [path for path in unpacked.rglob("*") if path.name.startswith("._")]

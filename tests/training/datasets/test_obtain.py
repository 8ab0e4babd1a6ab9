from pathlib import Path

import pytest

from smserve.errors import DataLoss
from tests.training.datasets.archives import in_small, pack_tgz
from tests.training.datasets.trees import write_cub
from training.datasets.benchmark import ArchiveFile, Benchmark
from training.datasets.cub import CUB
from training.datasets.obtain import check_file, dropped_set, find_file, obtain

NAME = "CUB_200_2011.tgz"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return pack_tgz({"CUB_200_2011": write_cub(tmp_path_factory.mktemp("tree") / "tree")})


@pytest.fixture
def small(archive: bytes, tmp_path: Path) -> Benchmark:
    return in_small(CUB, write_cub(tmp_path / "tree"), {NAME: archive})


def drop(folder: Path, content: bytes) -> Path:
    folder.mkdir()
    (folder / NAME).write_bytes(content)
    return folder


def test_a_dropped_archive_is_unpacked_once(small: Benchmark, archive: bytes, tmp_path: Path) -> None:
    folder = drop(tmp_path / "cub", archive)
    steps: list[tuple[str, int, int]] = []
    root = obtain(small, folder, lambda *step: steps.append(step))
    assert root == folder / "unpacked" / "CUB_200_2011"
    assert {step[0] for step in steps} == {f"checking {NAME}", f"unpacking {NAME}"}
    steps.clear()
    (folder / NAME).unlink()
    assert obtain(small, folder, lambda *step: steps.append(step)) == root
    assert steps == []


@pytest.mark.parametrize(("content", "says"), [(b"short", "has 5 bytes, wanted "), (None, "has md5 ")])
def test_a_wrong_archive_is_refused_and_kept(
    content: bytes | None, says: str, small: Benchmark, archive: bytes, tmp_path: Path
) -> None:
    folder = drop(tmp_path / "cub", content or archive[:-1] + b"?")
    with pytest.raises(DataLoss, match=says) as caught:
        obtain(small, folder)
    assert str(folder / NAME) in caught.value.message
    assert (folder / NAME).exists()
    assert not (folder / "unpacked").exists()


def test_an_archive_of_something_else(archive: bytes, tmp_path: Path) -> None:
    tree = write_cub(tmp_path / "tree")
    other = pack_tgz({"Birds": tree})
    folder = drop(tmp_path / "cub", other)
    with pytest.raises(DataLoss, match="unpacked holds no CUB-200-2011; wanted CUB_200_2011 with"):
        obtain(in_small(CUB, tree, {NAME: other}), folder)


def test_where_files_are_looked_for(small: Benchmark, tmp_path: Path) -> None:
    file = ArchiveFile(name="img.zip", folders=("Img",))
    assert find_file(file, tmp_path) is None
    (tmp_path / "Img").mkdir()
    (tmp_path / "Img" / "img.zip").write_bytes(b"x")
    assert find_file(file, tmp_path) == tmp_path / "Img" / "img.zip"
    assert dropped_set(small, tmp_path) is None
    assert check_file(tmp_path / "Img" / "img.zip", file) is None, "nothing is known that it could be compared with"

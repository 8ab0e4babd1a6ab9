import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smserve.errors import DataLoss, NotFound
from smserve.images import ResizeRule
from tests.support.pictures import COLORS, draw, encode
from tests.training.datasets.file_server import serving
from training.datasets import decode_set, load_dataset
from training.datasets.cub import CUB, CubSpec, load_cub, read_cub
from training.datasets.load import CUB_URL_VARIABLE


def write_tree(root: Path) -> Path:
    """Write CUB's layout: six classes of three pictures, of which one is grayscale, and macOS's files between them."""
    images: list[str] = []
    labels: list[str] = []
    classes: list[str] = []
    for label, color in enumerate(COLORS, start=1):
        folder = f"{label:03}.{color}"
        classes.append(f"{label} {folder}")
        (root / "images" / folder).mkdir(parents=True)
        for number in range(3):
            picture = draw(color, number).convert("L" if number == 2 else "RGB")
            name = f"{folder}/{color}_{number}.jpg"
            (root / "images" / name).write_bytes(encode(picture, "JPEG"))
            (root / "images" / folder / f"._{color}_{number}.jpg").write_bytes(b"\x00\x05\x16\x07")
            images.append(f"{len(images) + 1} {name}")
            labels.append(f"{len(images)} {label}")
    for name, lines in (("images", images), ("image_class_labels", labels), ("classes", classes)):
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (root / "attributes").mkdir()
    (root / "attributes" / "attributes.txt").write_text("not needed")
    return root


def pack(tree: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(tree, "CUB_200_2011")
    return buffer.getvalue()


def spec_of(archive: bytes, url: str = "http://127.0.0.1:9/") -> CubSpec:
    """Three classes to train on, three to test on."""
    digest = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    remote = replace(CUB.archive, url=url, size=len(archive), md5=digest)
    return CubSpec(archive=remote, classes=6, train_classes=3, train_pictures=9, test_pictures=9)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("cub") / "CUB_200_2011")


@pytest.fixture
def own_tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "cub" / "CUB_200_2011")


def test_the_real_counts() -> None:
    assert (CUB.classes, CUB.train_classes, CUB.train_pictures, CUB.test_pictures) == (200, 100, 5864, 5924)


def test_root_or_parent(tree: Path) -> None:
    for folder in (tree, tree.parent):
        dataset = read_cub(folder, spec=spec_of(b""))
        assert dataset.train.class_names == ("001.red", "002.green", "003.blue")
        assert dataset.test.class_names == ("004.yellow", "005.purple", "006.orange")
        assert len(dataset.validation) == 0
        np.testing.assert_array_equal(dataset.test.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2])
        assert dataset.test.paths[0] == tree / "images" / "004.yellow" / "yellow_0.jpg"


def test_grayscale_becomes_rgb(tree: Path, tmp_path: Path) -> None:
    pixels = decode_set(read_cub(tree, spec=spec_of(b"")).train, ResizeRule(size=8, height=8, width=8), tmp_path)
    assert pixels.shape == (9, 8, 8, 3)
    assert np.ptp(pixels[2], axis=-1).max() == 0
    assert np.ptp(pixels[0], axis=-1).max() > 0


def test_downloaded_unpacked_and_used_again(tree: Path, tmp_path: Path) -> None:
    archive = pack(tree)
    with serving(archive) as server:
        server.break_after = len(archive) // 2 + 1
        dataset = load_cub(tmp_path, spec=spec_of(archive, server.url))
    assert len(dataset.train) == len(dataset.test) == 9
    unpacked = tmp_path / "cub" / "unpacked" / "CUB_200_2011"
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "classes.txt",
        "image_class_labels.txt",
        "images",
        "images.txt",
    ]
    assert not list(unpacked.rglob("._*"))
    assert load_cub(tmp_path, spec=spec_of(archive)).test.ids == dataset.test.ids  # no server now


def test_a_dropped_archive_is_used(tree: Path, tmp_path: Path) -> None:
    archive = pack(tree)
    (tmp_path / "cub").mkdir()
    (tmp_path / "cub" / "CUB_200_2011.tgz").write_bytes(archive)
    assert len(load_cub(tmp_path, spec=spec_of(archive)).train) == 9


@pytest.mark.parametrize(("content", "says"), [(b"short", "has 5 bytes"), (None, "has md5 ")])
def test_a_wrong_dropped_archive_is_refused_and_kept(
    content: bytes | None, says: str, tree: Path, tmp_path: Path
) -> None:
    archive = pack(tree)
    dropped = tmp_path / "cub" / "CUB_200_2011.tgz"
    dropped.parent.mkdir()
    dropped.write_bytes(content or archive[:-1] + b"?")
    with pytest.raises(DataLoss, match=says):
        load_cub(tmp_path, spec=spec_of(archive))
    assert dropped.exists()


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


def test_wrong_counts_are_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataLoss, match="has 6 classes, 18 pictures to train on and 0 to test on, wanted 200 classes, 5,864"
    ):
        load_dataset(f"cub:{tree}", tmp_path)
    with pytest.raises(NotFound, match="holds no CUB-200-2011"):
        load_dataset(f"cub:{tmp_path}", tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("images.txt", "1 001", "x 001", "images.txt, line 1: 'x 001.red/red_0.jpg', wanted a number and a value"),
        ("image_class_labels.txt", "2 1\n", "2 red\n", "image_class_labels.txt, line 2: '2 red'"),
        ("image_class_labels.txt", "18 6\n", "", "don't belong together"),
        ("image_class_labels.txt", "18 6\n", "18 7\n", "don't belong together"),
        ("images.txt", "red_1.jpg", "red_9.jpg", "1 pictures are missing from .*, first 001.red/red_9.jpg"),
    ],
)
def test_damaged_lists_are_named(file: str, old: str, new: str, says: str, own_tree: Path) -> None:
    path = own_tree / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataLoss, match=says):
        read_cub(own_tree, spec=spec_of(b""))


def test_unpacked_by_hand(own_tree: Path) -> None:
    assert len(load_cub(own_tree.parents[1], spec=spec_of(b"")).train) == 9


def test_a_missing_list(own_tree: Path) -> None:
    (own_tree / "classes.txt").unlink()
    with pytest.raises(DataLoss, match=r"classes\.txt can't be read"):
        read_cub(own_tree, spec=spec_of(b""))

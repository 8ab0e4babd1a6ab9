"""CUB-200-2011: birds of 200 species, trained on the first hundred and tested on the others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from smserve.errors import DataLoss, NotFound, Unavailable
from training.datasets.archive import checksum, unpack
from training.datasets.class_split import LabelledPicture, to_picture_set
from training.datasets.download import RemoteFile, download
from training.datasets.lock import exclusive
from training.datasets.pictures import Dataset
from training.datasets.progress import Progress, silent

__all__ = ["CUB", "CubSpec", "load_cub", "read_cub"]

_ROOT = "CUB_200_2011"
_LISTS = ("images.txt", "image_class_labels.txt", "classes.txt")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CubSpec:
    """Where the archive is, and what it must hold; classes 1 to `train_classes` train, the others test."""

    archive: RemoteFile
    classes: int
    train_classes: int
    train_pictures: int
    test_pictures: int


CUB = CubSpec(
    archive=RemoteFile(
        name="CUB_200_2011.tgz",
        url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
        size=1_150_585_339,
        md5="97eceeb196236b17998738112f37df78",
    ),
    classes=200,
    train_classes=100,
    train_pictures=5_864,
    test_pictures=5_924,
)


def load_cub(data_dir: Path, *, spec: CubSpec = CUB, progress: Progress = silent) -> Dataset:
    """Return CUB from `data_dir/cub`: unpacked there, or its archive there, or else downloaded.

    Raises:
        NotFound: It is not there and can't be downloaded; the message says what to put where.
        DataLoss: The archive or the unpacked files are not what they should be.
    """
    folder = data_dir / "cub"
    unpacked = folder / "unpacked"
    if _find_root(folder) is not None:  # put there by hand
        return read_cub(folder, spec=spec)
    with exclusive(folder):
        if not unpacked.exists():
            archive = folder / spec.archive.name
            if archive.exists():
                _check_dropped(archive, spec.archive, progress)
            else:
                archive = _download(spec.archive, folder, progress)
            unpack(archive, unpacked, _is_wanted, progress)
    return read_cub(unpacked, spec=spec)


def read_cub(folder: Path, *, spec: CubSpec = CUB) -> Dataset:
    """Return CUB from its unpacked folder `CUB_200_2011` or that folder's parent. Validation is empty.

    The archive's own `train_test_split.txt` is not read: its two parts share all classes.

    Raises:
        NotFound: No CUB there.
        DataLoss: Files are missing, or the lists or counts are wrong.
    """
    root = _find_root(folder)
    if root is None:
        raise NotFound(f"{folder} holds no CUB-200-2011; wanted a folder with {', '.join(_LISTS)} and images/")
    paths = _read_list(root / "images.txt", str)
    label_of = _read_list(root / "image_class_labels.txt", int)
    names = _read_list(root / "classes.txt", str)
    if paths.keys() != label_of.keys() or not names.keys() >= set(label_of.values()):
        raise DataLoss(f"images.txt, image_class_labels.txt and classes.txt in {root} don't belong together; {_AGAIN}")
    missing = [path for path in paths.values() if not (root / "images" / path).is_file()]
    if missing:
        raise DataLoss(f"{len(missing):,} pictures are missing from {root / 'images'}, first {missing[0]}; {_AGAIN}")
    train: list[LabelledPicture] = []
    test: list[LabelledPicture] = []
    for number, path in paths.items():
        picture = LabelledPicture(path=root / "images" / path, label=names[label_of[number]], id=path)
        (train if label_of[number] <= spec.train_classes else test).append(picture)
    got = (len(names), len(train), len(test))
    wanted = (spec.classes, spec.train_pictures, spec.test_pictures)
    if got != wanted:
        text = "{:,} classes, {:,} pictures to train on and {:,} to test on"
        raise DataLoss(f"{root} has {text.format(*got)}, wanted {text.format(*wanted)}; {_AGAIN}")
    return Dataset(
        name="cub",
        train=to_picture_set("cub/train", train),
        validation=to_picture_set("cub/validation", []),
        test=to_picture_set("cub/test", test),
    )


_AGAIN = "remove the folder and unpack the archive again"


def _find_root(folder: Path) -> Path | None:
    return next((root for root in (folder, folder / _ROOT) if (root / "images.txt").is_file()), None)


def _is_wanted(member: str) -> bool:
    """Leave out attributes and parts, and the `._*` files that macOS puts into archives."""
    root, _, inside = member.removeprefix("./").partition("/")
    hidden = any(part.startswith("._") for part in member.split("/"))
    return root == _ROOT and not hidden and (inside in {*_LISTS, "README"} or inside.startswith("images/"))


def _read_list(path: Path, convert: Callable[[str], _Value]) -> dict[int, _Value]:
    """Read lines of `<number> <value>`."""
    try:
        lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataLoss(f"{path} can't be read ({error.strerror}); {_AGAIN}") from None
    values = {}
    for line, text in enumerate(lines, start=1):
        number, _, value = text.strip().partition(" ")
        try:
            values[int(number)] = convert(value)
        except ValueError:
            raise DataLoss(f"{path}, line {line}: {text[:80]!r}, wanted a number and a value; {_AGAIN}") from None
    return values


def _download(archive: RemoteFile, folder: Path, progress: Progress) -> Path:
    try:
        return download(archive, folder, progress=progress)
    except Unavailable as error:
        raise NotFound(
            f"data set cub is not there and can't be downloaded ({error.message}): put {archive.name} "
            f"({archive.size:,} bytes, md5 {archive.md5}) into {folder}, or run again with a network"
        ) from None


def _check_dropped(path: Path, archive: RemoteFile, progress: Progress) -> None:
    if path.stat().st_size != archive.size:
        found = f"{path.stat().st_size:,} bytes"
    else:
        found = f"md5 {checksum(path, 'md5', progress)}"
        if found == f"md5 {archive.md5}":
            return
    raise DataLoss(
        f"{path} has {found}, wanted {archive.size:,} bytes with md5 {archive.md5}; get it again, or remove it to have "
        f"it downloaded"
    )

"""CUB-200-2011: birds of 200 species, trained on the first hundred and tested on the others."""

from pathlib import Path
from typing import Any, Final

from smserve.errors import DataLoss
from training.datasets.benchmark import ArchiveFile, Benchmark, Contents, Counts, SplitSize, is_hidden
from training.datasets.class_split import LabelledPicture
from training.datasets.text_list import read_list

__all__ = ["CUB"]

_ROOT: Final = "CUB_200_2011"
_LISTS: Final = ("images.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt")
_TRAIN_CLASSES = 100


def _find(folder: Path) -> Path | None:
    return next((root for root in (folder, folder / _ROOT) if (root / "images.txt").is_file()), None)


def _read(root: Path, official: bool) -> Contents:
    paths: dict[int, str] = _mapping(root / "images.txt", "path", str)
    label_of: dict[int, int] = _mapping(root / "image_class_labels.txt", "class_id", int)
    names: dict[int, str] = _mapping(root / "classes.txt", "name", str, key="class_id")
    if paths.keys() != label_of.keys() or not names.keys() >= set(label_of.values()):
        raise DataLoss(
            f"images.txt, image_class_labels.txt and classes.txt in {root} don't belong together; "
            f"unpack the archive again"
        )
    if official:  # its two parts share all classes
        trains: dict[int, int] = _mapping(root / "train_test_split.txt", "is_training_image", int)
        if not trains.keys() >= paths.keys():
            raise DataLoss(f"train_test_split.txt in {root} lacks pictures of images.txt; unpack the archive again")
    else:
        trains = {number: label <= _TRAIN_CLASSES for number, label in label_of.items()}
    pictures = {
        number: LabelledPicture(path=root / "images" / path, label=names[label_of[number]], id=path)
        for number, path in paths.items()
    }
    return Contents(
        root=root,
        train=[picture for number, picture in pictures.items() if trains[number]],
        test=[picture for number, picture in pictures.items() if not trains[number]],
    )


def _mapping(path: Path, value: str, convert: Any, key: str = "image_id") -> dict[int, Any]:
    return dict(read_list(path, {key: int, value: convert}))


def _is_wanted(member: str) -> bool:
    """Leave out attributes and parts."""
    root, _, inside = member.removeprefix("./").partition("/")
    return root == _ROOT and not is_hidden(member) and (inside in {*_LISTS, "README"} or inside.startswith("images/"))


CUB: Final = Benchmark(
    name="cub",
    title="CUB-200-2011",
    counts=Counts(train=SplitSize(100, 5_864), test=SplitSize(100, 5_924)),
    official=Counts(train=SplitSize(200, 5_994), test=SplitSize(200, 5_794)),
    file_sets=((ArchiveFile(name="CUB_200_2011.tgz", size=1_150_585_339, md5="97eceeb196236b17998738112f37df78"),),),
    origin="https://data.caltech.edu/records/65de6-vp158",
    layout=f"{_ROOT} with {', '.join(_LISTS)} and images/",
    find=_find,
    read=_read,
    is_wanted=_is_wanted,
    url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
)

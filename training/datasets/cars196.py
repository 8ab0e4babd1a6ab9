"""Cars196: cars of 196 models, trained on the first 98 and tested on the others; in three layouts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from smserve.errors import DataLoss
from training.datasets.benchmark import ArchiveFile, Benchmark, Contents, Counts, SplitSize, is_hidden
from training.datasets.cars196_folders import find_class_folders, read_class_folders
from training.datasets.class_split import LabelledPicture
from training.datasets.matlab import read_mat, records

__all__ = ["CARS196"]

_TRAIN_CLASSES = 98
_ONE_LIST: Final = "cars_annos.mat"
_TRAIN_LIST: Final = "cars_train_annos.mat"
_TEST_LIST: Final = "cars_test_annos_withlabels.mat"
_NAMES: Final = "cars_meta.mat"
_KIT_FOLDERS: Final = ("", "devkit", "car_devkit", "car_devkit/devkit")


def _find(folder: Path) -> Path | None:
    for root in (folder, folder / "cars196", folder / "stanford_cars"):
        if _has_one_list(root) or _has_kit(root) or find_class_folders(root):
            return root
    return None


def _has_one_list(root: Path) -> bool:
    return (root / _ONE_LIST).is_file() and (root / "car_ims").is_dir()


def _has_kit(root: Path) -> bool:
    lists = all(_in_kit(root, name).is_file() for name in (_TRAIN_LIST, _TEST_LIST))
    return lists and all((root / part).is_dir() for part in ("cars_train", "cars_test"))


def _in_kit(root: Path, name: str) -> Path:
    places = [root / folder / name for folder in _KIT_FOLDERS]
    return next((place for place in places if place.is_file()), places[0])


def _read(root: Path, official: bool) -> Contents:
    if _has_one_list(root):
        path = root / _ONE_LIST
        variables = read_mat(path)
        rows = [
            (str(name), number, bool(tests))
            for name, number, tests in records(path, variables, "annotations", ("relative_im_path", "class", "test"))
        ]
        return _split(root, path, rows, variables.get("class_names"), official)
    if _has_kit(root):
        rows = [*_kit_rows(root, "cars_train", _TRAIN_LIST), *_kit_rows(root, "cars_test", _TEST_LIST)]
        names = _in_kit(root, _NAMES)
        return _split(root, root, rows, read_mat(names).get("class_names") if names.is_file() else None, official)
    return read_class_folders(root, official)


def _kit_rows(root: Path, part: str, name: str) -> list[tuple[str, Any, bool]]:
    """Return path, class and side of each picture in one part of the devkit's layout."""
    path = _in_kit(root, name)
    folder = f"{part}/{part}" if (root / part / part).is_dir() else part
    found = records(path, read_mat(path), "annotations", ("fname", "class"))
    return [(f"{folder}/{file}", number, part == "cars_test") for file, number in found]


def _split(
    root: Path, source: Path, rows: Sequence[tuple[str, Any, bool]], names: Sequence[str] | None, official: bool
) -> Contents:
    """Share the pictures out: by class, or as the archive's own split has it."""
    sides: dict[bool, list[LabelledPicture]] = {False: [], True: []}
    for path, number, tests in rows:
        if not isinstance(number, int) or not 1 <= number <= 2 * _TRAIN_CLASSES:
            raise DataLoss(
                f"{source} gives {path} the class {number!r}, wanted 1 to {2 * _TRAIN_CLASSES}; get it again"
            )
        title = "" if names is None or len(names) < number else f" {names[number - 1]}"
        picture = LabelledPicture(path=root / path, label=f"{number:03}{title}", id=path)
        sides[tests if official else number > _TRAIN_CLASSES].append(picture)
    return Contents(root=root, train=sides[False], test=sides[True])


def _is_wanted(member: str) -> bool:
    top = member.removeprefix("./").partition("/")[0]
    return top in {"car_ims", "cars_train", "cars_test", "devkit"} and not is_hidden(member)


CARS196: Final = Benchmark(
    name="cars196",
    title="Cars196",
    counts=Counts(train=SplitSize(98, 8_054), test=SplitSize(98, 8_131)),
    official=Counts(train=SplitSize(196, 8_144), test=SplitSize(196, 8_041)),
    file_sets=(
        (
            ArchiveFile(name="car_ims.tgz", md5="d5c8f0aa497503f355e17dc7886c3f14"),
            ArchiveFile(name=_ONE_LIST, md5="b407c6086d669747186bd1d764ff9dbc"),
        ),
        (
            ArchiveFile(name="cars_train.tgz", md5="065e5b463ae28d29e77c1b4b166cfe61"),
            ArchiveFile(name="cars_test.tgz", md5="4ce7ebf6a94d07f1952d94dd34c4d501"),
            ArchiveFile(name="car_devkit.tgz", md5="c3b158d763b6e2245038c8ad08e45376"),
            ArchiveFile(name=_TEST_LIST, md5="b0a2b23655a3edd16d84508592a98d10"),
        ),
    ),
    origin="copies made by others, which the checksums vouch for, since its own site is gone",
    layout=(
        f"car_ims/ and {_ONE_LIST}; or cars_train/, cars_test/, {_TRAIN_LIST} and {_TEST_LIST}; or a folder for each "
        f"class (all in one folder, or in train/ and test/)"
    ),
    find=_find,
    read=_read,
    is_wanted=_is_wanted,
)

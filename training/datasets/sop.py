"""Stanford Online Products: what is sold on eBay; a class is one offer, shown in some five pictures."""

from pathlib import Path
from typing import Final

from training.datasets.benchmark import ArchiveFile, Benchmark, Contents, Counts, SplitSize, is_hidden
from training.datasets.class_split import LabelledPicture
from training.datasets.text_list import read_list

__all__ = ["SOP"]

_ROOT: Final = "Stanford_Online_Products"
_LISTS: Final = ("Ebay_train.txt", "Ebay_test.txt")
_COLUMNS: Final = {"image_id": int, "class_id": int, "super_class_id": int, "path": str}


def _find(folder: Path) -> Path | None:
    return next((root for root in (folder, folder / _ROOT) if (root / _LISTS[0]).is_file()), None)


def _read(root: Path, official: bool) -> Contents:
    if official:  # no name leads here: the lists are the papers' split
        raise ValueError("Stanford Online Products has no split that shares classes")
    train, test = (_read_split(root, name) for name in _LISTS)
    return Contents(root=root, train=train, test=test)


def _read_split(root: Path, name: str) -> list[LabelledPicture]:
    """Read a list; a class is called by its number and its kind: "00001 bicycle"."""
    return [
        LabelledPicture(path=root / path, label=f"{number:05} {path.split('/')[0].removesuffix('_final')}", id=path)
        for _, number, _, path in read_list(root / name, _COLUMNS, header_lines=1)
    ]


def _is_wanted(member: str) -> bool:
    root, _, inside = member.removeprefix("./").partition("/")
    return root == _ROOT and not is_hidden(member) and (inside in _LISTS or "/" in inside)


SOP: Final = Benchmark(
    name="sop",
    title="Stanford Online Products",
    counts=Counts(train=SplitSize(11_318, 59_551), test=SplitSize(11_316, 60_502)),
    file_sets=(
        (ArchiveFile(name="Stanford_Online_Products.zip", size=3_083_860_082, md5="7f73d41a2f44250d4779881525aea32e"),),
    ),
    origin="Google Drive, file 1TclrpQOF_ullUP99wk_gjGN8pKvtErG8",
    layout=f"{_ROOT} with {' and '.join(_LISTS)}, and folders of pictures",
    find=_find,
    read=_read,
    is_wanted=_is_wanted,
)

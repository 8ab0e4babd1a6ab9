"""In-Shop Clothes Retrieval, a part of DeepFashion: a class is an item; queries ask a gallery of other pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from training.datasets.benchmark import ArchiveFile, Benchmark, Contents, Counts, SplitSize, is_hidden
from training.datasets.class_split import LabelledPicture
from training.datasets.text_list import read_list

__all__ = ["INSHOP"]

_LIST: Final = "list_eval_partition.txt"
_SPLITS: Final = ("train", "query", "gallery")
_HEADER_LINES = 2  # the number of pictures, and the columns' names


def _find(folder: Path) -> Path | None:
    roots = (folder, folder / "In-shop Clothes Retrieval Benchmark", folder / "Inshop_Clothes")
    return next((root for root in roots if _places(root) is not None), None)


def _places(root: Path) -> tuple[Path, Path] | None:
    """Return the list, and the folder in which the listed `img/...` are."""
    listed = next((path for path in (root / _LIST, root / "Eval" / _LIST) if path.is_file()), None)
    pictures = next((folder for folder in (root, root / "Img") if (folder / "img").is_dir()), None)
    return None if listed is None or pictures is None else (listed, pictures)


def _read(root: Path, official: bool) -> Contents:
    places = _places(root)
    if official or places is None:  # no name leads here: the list is the papers' split, and _find has seen the places
        raise ValueError(f"{root} has no In-Shop with a split that shares classes")
    listed, pictures = places
    splits: dict[str, list[LabelledPicture]] = {split: [] for split in _SPLITS}
    columns: dict[str, Callable[[str], str]] = {"image_name": str, "item_id": str, "evaluation_status": _split_name}
    for path, item, split in read_list(listed, columns, header_lines=_HEADER_LINES):
        splits[split].append(LabelledPicture(path=pictures / path, label=item, id=path))
    return Contents(root=root, train=splits["train"], test=splits["query"], gallery=splits["gallery"])


def _split_name(text: str) -> str:
    if text not in _SPLITS:
        raise ValueError(text)
    return text


def _is_wanted(member: str) -> bool:
    return member.removeprefix("./").startswith("img/") and not is_hidden(member)


INSHOP: Final = Benchmark(
    name="inshop",
    title="In-Shop Clothes Retrieval",
    counts=Counts(train=SplitSize(3_997, 25_882), test=SplitSize(3_985, 14_218), gallery=SplitSize(3_985, 12_612)),
    file_sets=((ArchiveFile(name="img.zip", folders=("Img",)), ArchiveFile(name=_LIST, folders=("Eval",))),),
    origin="DeepFashion's In-shop Clothes Retrieval Benchmark on Google Drive: Img/img.zip and Eval/" + _LIST,
    layout=f"img/ and {_LIST} (or Eval/{_LIST})",
    find=_find,
    read=_read,
    is_wanted=_is_wanted,
    licence="for non-commercial research purposes only",
    note="no checksum of In-Shop's archive is known: its counts were checked, its bytes can't be",
)

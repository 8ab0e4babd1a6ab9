"""What data sets there are, and how much of each is on this machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from smserve.errors import SmserveError
from training.datasets.assemble import count
from training.datasets.benchmark import Benchmark, SplitSize
from training.datasets.emoji import EMOJI
from training.datasets.obtain import dropped_set, find_file, find_unpacked, what_to_do
from training.datasets.published import BENCHMARKS

__all__ = ["CatalogueEntry", "State", "catalogue"]

State = Literal["absent", "archive dropped", "unpacked", "ready"]
_EMOJI_SPLITS = {"train": SplitSize(687, 2_519), "validation": SplitSize(161, 584), "test": SplitSize(784, 2_879)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A data set.

    Attributes:
        name: As `load_dataset` takes it.
        title: As papers write it.
        state: "absent"; "archive dropped": all files of a set are there; "unpacked": its folder is there, and its lists
            have other counts than those published; "ready": with the counts published. Whether each picture is there
            and whole, `verify_dataset` says.
        splits: Published size of each split, by name.
        official: That of the archive's own split, which shares classes; empty where there is none.
        origin: Where it comes from.
        next_step: What to do to have it; empty where nothing is to do.
        licence: Its terms; empty where we are not sure of them.
        files: Those of its files that were put into its folder.
    """

    name: str
    title: str
    state: State
    splits: Mapping[str, SplitSize]
    official: Mapping[str, SplitSize]
    origin: str
    next_step: str
    licence: str
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON holds it."""
        return asdict(self)


def catalogue(data_dir: Path) -> list[CatalogueEntry]:
    """Return the named data sets and what `data_dir` holds of them; lists are read, pictures are not touched."""
    return [_emoji(data_dir / "emoji"), *(_published(each, data_dir / each.name) for each in BENCHMARKS.values())]


def _published(benchmark: Benchmark, folder: Path) -> CatalogueEntry:
    state = _state(benchmark, folder)
    steps: dict[State, str] = {
        "absent": "downloaded when it is first used" if benchmark.url else what_to_do(benchmark, folder),
        "archive dropped": "unpacked when it is first used",
        "unpacked": "a part, or damaged: verify it, or use it with --allow-subset",
        "ready": "",
    }
    return CatalogueEntry(
        name=benchmark.name,
        title=benchmark.title,
        state=state,
        splits=benchmark.counts.splits,
        official={} if benchmark.official is None else benchmark.official.splits,
        origin=benchmark.origin,
        next_step=steps[state],
        licence=benchmark.licence,
        files=tuple(dict.fromkeys(file.name for file in benchmark.files if find_file(file, folder) is not None)),
    )


def _state(benchmark: Benchmark, folder: Path) -> State:
    root = find_unpacked(benchmark, folder)
    if root is None:
        return "absent" if dropped_set(benchmark, folder) is None else "archive dropped"
    try:
        return "ready" if count(benchmark.read(root, False)) == benchmark.counts else "unpacked"
    except SmserveError:  # a damaged list; verify says which
        return "unpacked"


def _emoji(folder: Path) -> CatalogueEntry:
    archives = [package.archive for package in EMOJI.packages if (folder / "archives" / package.archive).is_file()]
    unpacked = all((folder / "unpacked" / package.folder).is_dir() for package in EMOJI.packages)
    state: State = "absent"
    if unpacked:
        state = "ready"  # each folder appears when all of it is there
    elif len(archives) == len(EMOJI.packages):
        state = "archive dropped"
    return CatalogueEntry(
        name="emoji",
        title="Emoji of four vendors",
        state=state,
        splits=_EMOJI_SPLITS,
        official={},
        origin="npm packages: " + ", ".join(package.package for package in EMOJI.packages),
        next_step="" if state == "ready" else "fetched by npm when it is first used",
        licence="by vendor: Apache 2.0 (Noto), CC BY 4.0 (Twemoji), MIT (Fluent); see docs/datasets.md",
        files=tuple(archives),
    )

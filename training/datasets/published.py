"""The published data sets by name, and how one of them is loaded."""

from pathlib import Path
from typing import Final

from smserve.errors import NotFound
from training.datasets.assemble import assemble
from training.datasets.benchmark import Benchmark
from training.datasets.cars196 import CARS196
from training.datasets.cub import CUB
from training.datasets.inshop import INSHOP
from training.datasets.obtain import obtain
from training.datasets.pictures import Dataset
from training.datasets.progress import Progress, silent
from training.datasets.sop import SOP

__all__ = ["BENCHMARKS", "find_benchmark", "load_benchmark"]

BENCHMARKS: Final[dict[str, Benchmark]] = {each.name: each for each in (CUB, CARS196, SOP, INSHOP)}
_OFFICIAL: Final = "-official"


def find_benchmark(kind: str) -> tuple[Benchmark, bool]:
    """Return the data set of a name such as "cub" or "cub-official", and whether its own class-shared split is meant.

    Raises:
        KeyError: There is none.
    """
    return BENCHMARKS[kind.removesuffix(_OFFICIAL)], kind.endswith(_OFFICIAL)


def load_benchmark(
    benchmark: Benchmark,
    *,
    data_dir: Path,
    place: str = "",
    official: bool = False,
    allow_subset: bool = False,
    progress: Progress = silent,
) -> Dataset:
    """Return a published data set.

    Args:
        benchmark: Which.
        data_dir: Its files are in a folder of its name there, or are fetched to there.
        place: Its unpacked folder, or that folder's parent; empty for the one in `data_dir`.
        official: The archive's own split, in which both parts share all classes.
        allow_subset: Accept other counts than those published.
        progress: Told how far fetching and unpacking are.

    Raises:
        NotFound: It is not there and can't be downloaded; the message says what to put where.
        DataLoss: The archive or the unpacked files are not what they should be.
        InvalidInput: A part of it that is too small, or a layout that doesn't tell the split asked for.
    """
    name = benchmark.name + (_OFFICIAL if official else "") + (f":{place}" if place else "")
    root = benchmark.find(Path(place)) if place else obtain(benchmark, data_dir / benchmark.name, progress)
    if root is None:
        raise NotFound(f"{place} holds no {benchmark.title}; wanted {benchmark.layout}")
    return assemble(benchmark, benchmark.read(root, official), name=name, official=official, allow_subset=allow_subset)

"""Look at everything that can be wrong with a data set, and report it instead of stopping at the first."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from smserve.errors import InvalidImage, SmserveError
from smserve.images import decode
from training.datasets.archive import checksum
from training.datasets.benchmark import Benchmark, SplitSize
from training.datasets.emoji import EMOJI
from training.datasets.load import load_dataset, parse_name
from training.datasets.obtain import check_file, dropped_set, find_file, find_unpacked, what_to_do
from training.datasets.pictures import Dataset, PictureSet
from training.datasets.progress import Progress, silent
from training.datasets.published import find_benchmark
from training.threads import map_in_threads

__all__ = ["VerifyReport", "verify_dataset"]

_MAX_NAMED = 10


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """What was looked at, and what is wrong.

    Attributes:
        name: The data set.
        archives: File name -> "right", "right as far as it is known" (no published sum), or what is wrong.
        splits: Size of each split, by name.
        decoded: Pictures that could be read.
        unreadable: Pictures that could not.
        unreadable_first: The first ten of those, with the reason.
        problems: All that is wrong, a line each.
        notes: What a person should know though nothing is wrong.
    """

    name: str
    archives: dict[str, str] = field(default_factory=dict)
    splits: dict[str, SplitSize] = field(default_factory=dict)
    decoded: int = 0
    unreadable: int = 0
    unreadable_first: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {"ok": self.ok, **asdict(self)}


def verify_dataset(
    name: str,
    data_dir: Path,
    progress: Progress = silent,
    *,
    allow_subset: bool = False,
    allow_shared_classes: bool = False,
) -> VerifyReport:
    """Check a data set: sums of the archives that are there, counts, classes in two splits, and each picture's bytes.

    Nothing is downloaded; archives that are there are unpacked. Where counts are wrong, the pictures are looked at all
    the same.

    Args:
        name: As `load_dataset` takes it.
        data_dir: Where fetched data sets are kept.
        progress: Told how far it is.
        allow_subset: Other counts than those published are no problem.
        allow_shared_classes: A class in two splits of a CSV is no problem.

    Raises:
        InvalidInput: There is no data set of that name. All else is reported.
    """
    kind, place = parse_name(name)
    report = VerifyReport(name=name)
    is_there = True
    if kind == "emoji":
        is_there = _check_packages(data_dir / "emoji", report, progress)
    elif not place:
        benchmark, _ = find_benchmark(kind)
        is_there = _check_archives(benchmark, data_dir / benchmark.name, report, progress)
    if not is_there:
        return report
    accepted = {"allow_subset": allow_subset, "allow_shared_classes": allow_shared_classes}
    data = _load(report, data_dir, progress, accepted)
    if data is not None:
        report.notes = data.notes
        for split, pictures in data.splits.items():
            report.splits[split] = SplitSize(len(pictures.class_names), len(pictures))
            _decode(pictures, report, progress)
    if report.unreadable:
        total = report.decoded + report.unreadable
        report.problems.append(f"{report.unreadable:,} of {total:,} pictures can't be read")
    return report


def _load(report: VerifyReport, data_dir: Path, progress: Progress, accepted: dict[str, bool]) -> Dataset | None:
    """Return the data set; where that fails, what can be had of it after all."""
    for accept in (accepted, {"allow_subset": True, "allow_shared_classes": True}):
        try:
            return load_dataset(report.name, data_dir, progress=progress, **accept)
        except SmserveError as error:
            if error.message not in report.problems:
                report.problems.append(error.message)
    return None


def _check_archives(benchmark: Benchmark, folder: Path, report: VerifyReport, progress: Progress) -> bool:
    """Check the files that were put there; returns whether there is something to load."""
    for file in benchmark.files:
        path = find_file(file, folder)
        if path is not None and file.name not in report.archives:
            problem = check_file(path, file, progress)
            if problem is not None:
                report.problems.append(problem)
            right = "right" if file.md5 is not None else "right as far as it is known: no sum was published"
            report.archives[file.name] = problem or right
    if find_unpacked(benchmark, folder) is not None:
        return True
    if dropped_set(benchmark, folder) is None:
        report.problems.append(f"data set {benchmark.name} is not there: {what_to_do(benchmark, folder)}")
    return report.ok


def _check_packages(folder: Path, report: VerifyReport, progress: Progress) -> bool:
    """Do the same for the archives of `emoji`."""
    to_unpack = [package for package in EMOJI.packages if not (folder / "unpacked" / package.folder).is_dir()]
    for package in EMOJI.packages:
        path = folder / "archives" / package.archive
        if path.is_file():
            right = checksum(path, "sha512", progress) == package.sha512
            report.archives[package.archive] = "right" if right else "another sha512 than the one committed"
            if not right:
                report.problems.append(f"{path} has another sha512 than the one committed; remove it and run again")
        elif package in to_unpack:
            report.problems.append(
                f"data set emoji is not there: {package.archive} is missing; put it into {path.parent}, or have it "
                f"fetched by `python -m training datasets prepare emoji`"
            )
    return report.ok or not to_unpack


def _decode(pictures: PictureSet, report: VerifyReport, progress: Progress) -> None:
    for done, problem in enumerate(_problems(pictures), start=1):
        if problem is None:
            report.decoded += 1
        else:
            report.unreadable += 1
            if len(report.unreadable_first) < _MAX_NAMED:
                report.unreadable_first.append(problem)
        progress(f"decoding {pictures.name}", done, len(pictures))


def _problems(pictures: PictureSet) -> Iterator[str | None]:
    """Yield for each picture why it can't be read, or None."""
    return map_in_threads(_problem, pictures.paths)


def _problem(path: Path) -> str | None:
    try:
        decode(path.read_bytes())
    except InvalidImage as error:
        return f"{path}: {error.message}"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None

"""What a published data set is: its files, its layout, its split, and the counts that it must come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.datasets.class_split import LabelledPicture

__all__ = ["ArchiveFile", "Benchmark", "Contents", "Counts", "SplitSize", "is_hidden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """A file that a data set comes in.

    Attributes:
        name: As it was published.
        size: Bytes; None where they are not known.
        md5: In hex; None where no sum was published.
        folders: Folders below the data set's own in which it is looked for too.
    """

    name: str
    size: int | None = None
    md5: str | None = None
    folders: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the name with what is known of the file."""
        known = [f"{self.size:,} bytes"] if self.size is not None else []
        known += [f"md5 {self.md5}"] if self.md5 is not None else []
        return f"{self.name} ({', '.join(known)})" if known else self.name


@dataclass(frozen=True, slots=True)
class SplitSize:
    """How many classes and pictures a split has."""

    classes: int
    pictures: int

    def __str__(self) -> str:
        return f"{self.classes:,} classes with {self.pictures:,} pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The sizes of a data set's splits; `gallery` where the test pictures ask one."""

    train: SplitSize
    test: SplitSize
    gallery: SplitSize | None = None

    @property
    def splits(self) -> dict[str, SplitSize]:
        """The sizes by name of the split."""
        found = {"train": self.train, "test": self.test}
        return found if self.gallery is None else {**found, "gallery": self.gallery}

    def __str__(self) -> str:
        gallery = "" if self.gallery is None else f", {self.gallery} in the gallery"
        return f"{self.train} to train on, {self.test} to test on{gallery}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The pictures that a data set's lists name, before anyone has looked whether they are there.

    Attributes:
        root: The folder that was read.
        train: Pictures to train on.
        test: Pictures to test on; queries, where there is a gallery.
        gallery: Pictures that the queries ask; None where each test picture asks all others.
    """

    root: Path
    train: Sequence[LabelledPicture]
    test: Sequence[LabelledPicture]
    gallery: Sequence[LabelledPicture] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A data set that papers report on.

    Attributes:
        name: As the command line gives it.
        title: As papers write it.
        counts: Of the class-disjoint split that retrieval papers use.
        official: Of the archive's own split, in which both parts share all classes; None where there is none.
        file_sets: Each set alone is enough; archives are unpacked side by side, other files are put beside them.
        origin: Where the files come from, for a person to read.
        layout: The unpacked files, for a person to read.
        find: Returns the root of the unpacked files at or just below a folder, or None.
        read: Returns what the lists in a root name; the flag asks for the archive's own split.
        is_wanted: Says of a name in an archive whether to unpack it.
        url: Where the only file of the first set can be downloaded; empty where it can't.
        licence: Its terms, in a line; empty where we are not sure of them.
        note: What a person should know each time it is read.
    """

    name: str
    title: str
    counts: Counts
    official: Counts | None = None
    file_sets: tuple[tuple[ArchiveFile, ...], ...]
    origin: str
    layout: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path, bool], Contents]
    is_wanted: Callable[[str], bool]
    url: str = ""
    licence: str = ""
    note: str = ""

    @property
    def url_variable(self) -> str:
        """Environment variable that names another place to download from."""
        return f"SMSERVE_{self.name.upper()}_URL"

    @property
    def files(self) -> tuple[ArchiveFile, ...]:
        """The files of all sets."""
        return tuple(file for files in self.file_sets for file in files)


def is_hidden(member: str) -> bool:
    """Say whether a name in an archive is one of those that macOS puts between the others."""
    parts = member.split("/")
    return "__MACOSX" in parts or any(part.startswith("._") for part in parts)

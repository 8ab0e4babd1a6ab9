"""The pictures of a data set, and the one rule that makes its figures comparable: no class is in two splits."""

from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smserve.errors import InvalidInput

__all__ = ["Dataset", "PictureSet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureSet:
    """The pictures of one split, in a fixed order.

    Attributes:
        name: Data set and split, for example "emoji/train".
        paths: N files.
        labels: (N,) int64, indices into `class_names`.
        class_names: The split's own classes, for people to read; another split counts from 0 again.
        ids: N short names that are unique in the data set, for example "google/1f600"; by default the paths.
    """

    name: str
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    ids: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Fill in the ids, and refuse parts that don't fit together."""
        if not self.ids:
            object.__setattr__(self, "ids", tuple(path.as_posix() for path in self.paths))
        if not len(self.paths) == len(self.ids) == len(self.labels):
            raise ValueError(
                f"{self.name} has {len(self.paths)} paths, {len(self.ids)} ids and {len(self.labels)} labels"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise ValueError(
                f"{self.name} has labels {self.labels.min()} to {self.labels.max()} for {len(self.class_names)} classes"
            )

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """The splits of a data set; `validation` may be empty.

    Attributes:
        gallery: Where it is set, the test pictures are queries that ask the gallery, and both number their classes
            alike; None means that each test picture asks all others.
        allow_shared_classes: A class may be in two splits. Figures of such a split can't be compared with the papers'.
        notes: What a person should know of how the pictures were read, for example which files were left out.
    """

    name: str
    train: PictureSet
    validation: PictureSet
    test: PictureSet
    gallery: PictureSet | None = None
    allow_shared_classes: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a class that two splits share; test and gallery share theirs by design.

        Raises:
            InvalidInput: Names the splits and the shared classes.
        """
        if self.gallery is not None and self.gallery.class_names != self.test.class_names:
            raise ValueError(f"{self.gallery.name} and {self.test.name} number their classes differently")
        if self.allow_shared_classes:
            return
        for first, second in combinations(self.splits.values(), 2):
            if first is self.test and second is self.gallery:
                continue
            shared = sorted(set(first.class_names) & set(second.class_names))
            if shared:
                names = ", ".join(shared[:10]) + (f" and {len(shared) - 10} more" if len(shared) > 10 else "")
                raise InvalidInput(
                    f"{first.name} and {second.name} share {len(shared)} classes ({names}); test classes must never be "
                    f"seen in training, so give each class one split, or ask for it with allow_shared_classes=True",
                    field="split",
                )

    @property
    def splits(self) -> dict[str, PictureSet]:
        """The splits by name, empty ones too; `gallery` where there is one."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return found if self.gallery is None else {**found, "gallery": self.gallery}

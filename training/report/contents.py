"""What a report is made of: plain values and small pictures, gathered before anything is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibrated, Reliability

__all__ = ["ClassRow", "EmbeddingMap", "Neighbour", "NeighbourRow", "RunReport", "TestView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A picture that was found.

    Attributes:
        picture: A data URI.
        class_name: Of it.
        name: Of the picture.
        cosine: To the query.
        right: Whether it is of the query's class.
    """

    picture: str
    class_name: str
    name: str
    cosine: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourRow:
    """A query and what it found, nearest first."""

    picture: str
    class_name: str
    name: str
    found: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """A class that is found badly.

    Attributes:
        class_name: Of the class.
        pictures: How many queries of it there are.
        recall_at_1: Share of them whose nearest picture is of the class.
        confused: Names of the classes of the wrong nearest pictures, with how many, most frequent first.
        example: One of its queries.
    """

    class_name: str
    pictures: int
    recall_at_1: float
    confused: tuple[tuple[str, int], ...]
    example: NeighbourRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingMap:
    """Test pictures on a plane.

    Attributes:
        places: (M, 2), by t-SNE.
        pictures: M data URIs.
        class_names: M.
        names: M.
        right: (M,) bool, whether the nearest picture is of the same class.
        of: How many test pictures there are; M of them are shown.
    """

    places: NDArray[np.float32]
    pictures: tuple[str, ...]
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    right: NDArray[np.bool_]
    of: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestView:
    """What is seen of the test classes.

    Attributes:
        hits: Queries, drawn at random, whose nearest picture is right.
        misses: Those that are wrong with the largest cosine.
        hardest: The classes with the lowest Recall@1.
        map: None where there are too few pictures.
    """

    __test__ = False  # pytest would take it for a test

    hits: tuple[NeighbourRow, ...]
    misses: tuple[NeighbourRow, ...]
    hardest: tuple[ClassRow, ...]
    map: EmbeddingMap | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunReport:
    """A finished run.

    Attributes:
        name: Of the run.
        dataset: Its name, for people.
        notes: What a person should know of the data.
        splits: Pictures and classes of each split.
        config: All settings, as JSON holds them.
        origin: What it was computed with: label -> text.
        epochs: The lines of metrics.jsonl.
        figures: On the test classes.
        parameters: Numbers that the network holds.
        command: That repeats the run.
        test: Pictures of the test classes.
        calibration: Fitted on the validation classes; None where they are too few.
        test_reliability: What the calibration says of the test classes.
    """

    name: str
    dataset: str
    splits: Mapping[str, tuple[int, int]]
    config: Mapping[str, Any]
    epochs: Sequence[Mapping[str, Any]]
    figures: Mapping[str, Any]
    parameters: int
    command: str
    test: TestView
    notes: Sequence[str] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    calibration: Calibrated | None = None
    test_reliability: Reliability | None = None

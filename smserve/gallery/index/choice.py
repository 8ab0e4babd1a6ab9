"""Which index, and how hard it looks: what tuning chooses, and a generation is made and searched with."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from smserve.errors import InvalidInput

__all__ = ["EXACT", "IndexChoice"]

EXACT: Final = "Flat"
"""FAISS index string of exact search."""

_SCALAR: Final = "Flat|SQ8|SQ6|SQ4|SQfp16|SQbf16"
_M: Final = r"([2-9]|[1-9]\d|1[01]\d|12[0-8])"  # links an item of HNSW: 2 to 128; FAISS aborts the process at 0
_INDEX: Final = re.compile(
    rf"({_SCALAR}|RaBitQ|IVF[1-9]\d{{0,5}}(_HNSW{_M})?,({_SCALAR}|RaBitQ|PQ[1-9]\d{{0,3}}x4fsr?)|HNSW{_M}(,({_SCALAR}))?)"
    r"(,RFlat|,Refine\((SQ8|SQfp16|SQbf16)\))?"
)
_LISTS: Final = re.compile(r"IVF(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChoice:
    """A FAISS index string and its settings, named as FAISS does; None leaves FAISS's own default.

    Attributes:
        index: Vectors whole (Flat) or as codes (SQ8), alone or behind lists (IVF1000) or a graph (HNSW16), refined with
            the whole ones (RFlat) or not: for example "IVF1000,SQ8,RFlat". Of FAISS's language the part that can leave
            items out of a search.
        nprobe: IVF: lists that a search looks into.
        far_nprobe: IVF: lists that it looks into a second time where the 10 nearest found at first are far; at least
            `nprobe`. This and `far_score` are not FAISS's, and go together.
        far_score: IVF: cosine of the 10th hit, in [-1, 1], below which they are.
        efSearch: HNSW: candidates that a search keeps.
        efConstruction: HNSW: candidates kept while an item is linked to the others.
        quantizer_efSearch: IVF whose lists are themselves found with HNSW ("IVF16384_HNSW32,Flat"): the same for that.
        k_factor: Refine ("...,RFlat"): candidates compared exactly, a hit wanted.

    Raises:
        InvalidInput: The index is none of these, or a setting is out of its range.
    """

    index: str = EXACT
    nprobe: int | None = None
    far_nprobe: int | None = None
    far_score: float | None = None
    efSearch: int | None = None  # noqa: N815 - FAISS's own name, as in its ParameterSpace and its documentation
    efConstruction: int | None = None  # noqa: N815
    quantizer_efSearch: int | None = None  # noqa: N815
    k_factor: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.index, str) or not _INDEX.fullmatch(self.index):
            raise InvalidInput(
                f"index {self.index!r} is none that a gallery can have; choose one such as Flat, IVF1000,Flat, HNSW16 "
                f"or IVF1000,SQ8,RFlat",
                field="index",
            )
        for name in _SETTINGS:
            value = getattr(self, name)
            low, high = (-1, 1) if name == "far_score" else (1, _LARGEST)
            whole = isinstance(value, int) and not isinstance(value, bool)
            fine = whole or (name in _FRACTIONS and isinstance(value, float))
            if value is not None and not (fine and low <= value <= high):
                raise InvalidInput(f"{name} is {value!r}; it is a number from {low} to {high:,}", field=name)
        self._check_second_look()

    def _check_second_look(self) -> None:
        if (self.far_nprobe is None) != (self.far_score is None):
            raise InvalidInput(
                f"far_nprobe is {self.far_nprobe}, far_score {self.far_score}; give both or neither", field="far_nprobe"
            )
        if self.far_nprobe is None:
            return
        if not self.lists:
            raise InvalidInput(f"index {self.index} has no lists; far_nprobe is a setting of IVF", field="far_nprobe")
        if self.far_nprobe < (self.nprobe or 1):
            raise InvalidInput(
                f"far_nprobe is {self.far_nprobe}, nprobe {self.nprobe}; a second look is into at least as many lists",
                field="far_nprobe",
            )

    @property
    def is_exact(self) -> bool:
        """Whether every vector is compared with."""
        return self.index == EXACT

    @property
    def lists(self) -> int:
        """How many an IVF has; 0 for any other index."""
        found = _LISTS.match(self.index)
        return int(found.group(1)) if found else 0

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: `index` and the settings that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "IndexChoice":
        """Read what `to_dict` returned.

        Raises:
            InvalidInput: A name is unknown, or a value is out of its range.
        """
        unknown = sorted(document.keys() - {"index", *_SETTINGS})
        if unknown:
            raise InvalidInput(f"an index has no setting {unknown[0]!r}; it has {', '.join(_SETTINGS)}", field="index")
        return cls(**document)

    def __str__(self) -> str:
        """The index string and its settings: `IVF1000,Flat nprobe=8`."""
        return " ".join(
            f"{value}" if name == "index" else f"{name}={value:g}" for name, value in self.to_dict().items()
        )


_SETTINGS: Final = tuple(field.name for field in fields(IndexChoice) if field.name != "index")
_FRACTIONS: Final = ("far_score", "k_factor")
_LARGEST: Final = 1_000_000

"""What is wrong with a gallery, and what that does to whoever uses it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Effect", "Finding", "OtherModel", "Verification", "damages"]


class Effect(StrEnum):
    """What a damage does; nothing of it is ever an answer that is wrong."""

    REFUSED = "the gallery is not opened"
    IN_PART = "what is damaged is refused when it is needed, all else is served"
    FALLBACK = "answers stay right: another generation, or the rows themselves, are searched"
    OTHER_MODEL = "none on the model in use; this one is refused: `smserve gallery discard` it, and stage it anew"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        place: The file, and the item where it is one.
        problem: What was found, in a sentence.
        effect: What it does.
    """

    place: str
    problem: str
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherModel:
    """A model of the gallery that is not in use.

    Attributes:
        state: "staged" or "previous".
        item_count: Rows that are sound.
    """

    state: str
    item_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at every byte that matters found.

    Attributes:
        gallery: The folder of the model in use.
        item_count: Rows of it that are sound.
        sequence: Its last write.
        generations: Numbers of those of it that are sound, newest first.
        findings: What is wrong, with any model; empty where nothing is.
        others: The models beside it that were looked at.
    """

    gallery: Path
    item_count: int
    sequence: int
    generations: tuple[int, ...]
    findings: tuple[Finding, ...]
    others: tuple[OtherModel, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that has an effect."""
        return not damages(self.findings)


def damages(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that have an effect."""
    return [finding for finding in findings if finding.effect is not Effect.NONE]

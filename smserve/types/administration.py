"""What administration answers: names, models and damage of galleries; plain values for engine, wire and client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Activation",
    "AliasChange",
    "DroppedGallery",
    "Finding",
    "GalleryModel",
    "ModelState",
    "RefusedItem",
    "StagingProgress",
    "Verification",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedGallery:
    """A gallery that is gone, and how many items it held."""

    gallery: str
    item_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """Where a name leads now, and where it led before; empty for nowhere."""

    alias: str
    gallery: str
    previous_gallery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is damaged.

    Attributes:
        place: The file, and the item where it is one.
        problem: What was found, in a sentence.
        effect: What that does to whoever uses the gallery.
    """

    place: str
    problem: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a gallery that was read whole came to.

    Attributes:
        gallery: Its name.
        findings: Empty where all is well.
        item_count: Items that are sound.
        generations: Those that are sound, the newest first.
    """

    gallery: str
    findings: tuple[Finding, ...]
    item_count: int
    generations: tuple[int, ...]


class ModelState(StrEnum):
    """What a model is to a gallery."""

    IN_USE = "in use"
    """Searches use it."""
    STAGED = "staged"
    """It holds every item and can be activated."""
    STAGING = "staging"
    """It lacks items, or writes that came since."""
    PREVIOUS = "previous"
    """It was in use before."""
    UNKNOWN = "unknown"
    """The server is newer than this client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryModel:
    """A model whose vectors a gallery holds.

    Attributes:
        state: What it is to the gallery.
        model_fingerprint: sha256 of the model file.
        dimension: D.
        item_count: Items embedded with it.
        available: The server has its file, so that it can be activated there.
    """

    state: ModelState
    model_fingerprint: str
    dimension: int
    item_count: int
    available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedItem:
    """An item that can't be embedded again, where its picture was said to lie, and why."""

    item_id: str
    source_uri: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingProgress:
    """How far staging is.

    Attributes:
        embedded_count: Items embedded by this call so far.
        total_count: Items to embed.
        ready: In the last answer: every item is embedded, the model can be activated.
        refused: In the last answer, the first 1,000 items that can't be embedded; write them again, or delete them.
        refused_count: How many those are in all.
        gallery: Its name.
        model_fingerprint: The model being staged.
    """

    embedded_count: int
    total_count: int
    ready: bool
    refused: tuple[RefusedItem, ...]
    refused_count: int
    gallery: str
    model_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A model that is in use now.

    Attributes:
        gallery: What is searched with it.
        generation: The one that is searched.
        model_fingerprint: The model in use.
        previous_model_fingerprint: The one before.
    """

    gallery: str
    generation: int
    model_fingerprint: str
    previous_model_fingerprint: str

"""The state of the server, as its page shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from smserve.client import Client
from smserve.errors import SmserveError
from smserve.types import GalleryInfo, GenerationInfo, ServerInfo
from smserve.types.administration import GalleryModel, ModelState

__all__ = ["GalleryState", "ServerState", "read_state", "recall_text", "staged_beside"]

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryState:
    """A gallery; a part that the server refuses to tell is the reason instead.

    Attributes:
        info: What it holds.
        generations: That are kept, the newest first.
        models: Whose vectors it holds, the one in use first.
    """

    info: GalleryInfo
    generations: list[GenerationInfo] | SmserveError
    models: list[GalleryModel] | SmserveError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What runs at the other end.

    Attributes:
        info: The server.
        galleries: In the server's order.
        round_trip_ms: How long it took to answer the first question.
    """

    info: ServerInfo
    galleries: list[GalleryState]
    round_trip_ms: float


def read_state(client: Client) -> ServerState:
    """Ask for all of it.

    Raises:
        SmserveError: The server does not say even what it is.
    """
    started = time.perf_counter()
    info = client.info()
    round_trip_ms = (time.perf_counter() - started) * 1000
    galleries = [
        GalleryState(
            info=each,
            generations=_asked(client.generations, each.name),
            models=_asked(client.models, each.name),
        )
        for each in info.galleries
    ]
    return ServerState(info=info, galleries=galleries, round_trip_ms=round_trip_ms)


def staged_beside(client: Client, info: ServerInfo) -> set[str]:
    """Return the names of the galleries whose staged model the server has, so that it may be asked."""
    found = {each.name: _asked(client.models, each.name) for each in info.galleries}
    return {
        name
        for name, models in found.items()
        if not isinstance(models, SmserveError)
        and any(each.available and each.state in {ModelState.STAGED, ModelState.STAGING} for each in models)
    }


def recall_text(recall: Mapping[str, Any]) -> str:
    """Say how exact an index is; `recall` is as `GenerationInfo` has it."""
    if recall.get("kind") == "exact":
        return "exact"
    parts = [
        f"{name.removeprefix('recall_at_')}: {value:.4f}" for name, value in recall.items() if name[:7] == "recall_"
    ]
    if not parts:
        return "not measured"
    text = f"at {', '.join(parts)}"
    if "low" in recall and "high" in recall:
        text += f" ({recall['low']:.4f} to {recall['high']:.4f})"
    return text


def _asked(ask: Callable[..., _Part], gallery: str) -> _Part | SmserveError:
    try:
        return ask(gallery=gallery)
    except SmserveError as error:
        return error

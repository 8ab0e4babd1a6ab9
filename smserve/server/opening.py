"""From files to an engine that is fit to serve."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from smserve.config import ImageLimits, SearchLimits
from smserve.embedder import OnnxEmbedder
from smserve.engine import Engine
from smserve.errors import InvalidInput
from smserve.gallery.interface import GalleryReader

__all__ = ["open_engine"]

_FOLLOWED_S: Final = 0.5


def open_engine(
    model: Path,
    galleries: Sequence[tuple[str, Path]],
    *,
    writable: bool = False,
    check_every: int = 0,
    image_limits: ImageLimits | None = None,
    search_limits: SearchLimits | None = None,
) -> Engine:
    """Load and check the model, then open the galleries.

    Args:
        model: The model file; its self-check runs.
        galleries: Name and folder of each; the first is the default.
        writable: Write to them, too, as the one process that may; else follow what others write, within a second.
        check_every: One search in so many is repeated exactly, aside, to measure recall; 0 for none.
        image_limits: What a picture may cost.
        search_limits: What a search may ask for.

    Raises:
        ModelDamaged: The model can't be loaded or fails its self-check.
        GalleryNotFound: A folder holds no gallery.
        GalleryDamaged: A gallery can't be read.
        GalleryLocked: To be written to, and another process does so; its pid is named.
        ModelMismatch: A gallery was built with another model.
        InvalidInput: Two galleries have one name.
    """
    names = [name for name, _ in galleries]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"two galleries are named {name!r}; name them apart with NAME=DIR", field="galleries")
    embedder = OnnxEmbedder(model)
    opened: dict[str, GalleryReader] = {}
    with contextlib.ExitStack() as undo:
        for name, folder in galleries:
            opened[name] = _opened(folder, name, embedder.fingerprint, writable=writable, check_every=check_every)
            undo.callback(opened[name].close)
        engine = Engine(
            embedder,
            opened,
            image_limits=image_limits or ImageLimits(),
            search_limits=search_limits or SearchLimits(),
        )
        undo.pop_all()  # from here on the engine closes them
    return engine


def _opened(folder: Path, name: str, fingerprint: str, *, writable: bool, check_every: int) -> GalleryReader:
    from smserve.gallery import LiveGallery, LocalGallery  # loads FAISS

    if writable:
        return LiveGallery.open(folder, name=name, model_fingerprint=fingerprint, check_every=check_every)
    return LocalGallery.open(
        folder, name=name, model_fingerprint=fingerprint, follow_s=_FOLLOWED_S, check_every=check_every
    )

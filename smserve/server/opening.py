"""From files to an engine that is fit to serve."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from smserve.config import DECODED_BYTES_IN_FLIGHT, ImageLimits, SearchLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.engine import Engine, GalleryHome, Storage
from smserve.errors import InvalidInput
from smserve.gallery.interface import GalleryReader
from smserve.gallery.milvus import MilvusAddress
from smserve.indexing import stage_with

__all__ = ["open_engine"]


def open_engine(
    model: Path,
    galleries: Sequence[tuple[str, Path | MilvusAddress]],
    *,
    folder: Path | None = None,
    models: Path | None = None,
    writable: bool = False,
    check_every: int = 0,
    inference: InferenceSettings | None = None,
    image_limits: ImageLimits | None = None,
    search_limits: SearchLimits | None = None,
    decoded_bytes_in_flight: int = DECODED_BYTES_IN_FLIGHT,
) -> Engine:
    """Load and check the model, then open the galleries.

    Args:
        model: The model file; its self-check runs.
        galleries: Name of each, and its folder or its address in Milvus; the first is the default.
        folder: Of further galleries, each named as its subfolder; there they can be made and dropped.
        models: A folder of further model files, *.onnx, loaded when a gallery needs one.
        writable: Write to them, too, as the one process that may; else follow what others write, within a second.
        check_every: One search in so many is repeated exactly, aside, to measure recall; 0 for none.
        inference: How the models are run, those that are loaded later, too.
        image_limits: What a picture may cost.
        search_limits: What a search may ask for.
        decoded_bytes_in_flight: Memory for pictures being decoded at the same time.

    Raises:
        ModelDamaged: A model can't be loaded or fails its self-check.
        SmserveError: What is to run them is not to be had on this machine.
        GalleryNotFound: A folder holds no gallery.
        GalleryDamaged: A gallery, or the list of aliases, can't be read.
        GalleryLocked: To be written to, and another process does so; its pid is named.
        ModelMismatch: A gallery was built with a model that is not there.
        InvalidInput: Two galleries, or a gallery and an alias, have one name; `models` is no folder.
    """
    if models is not None and not models.is_dir():
        raise InvalidInput(f"{models} is no folder; give --models a folder of model files (*.onnx)", field="models")
    embedder = Embedder(model, inference or InferenceSettings())
    storage = Storage(writable=writable, check_every=check_every, stage=stage_with)
    opened: dict[str, GalleryReader] = {}
    with contextlib.ExitStack() as undo:
        home = None
        if folder is not None:
            home = GalleryHome(folder, writable=writable)
            undo.callback(home.close)
        places = _by_name([*galleries, *(home.galleries().items() if home else ())], home)
        for name, each in places.items():
            opened[name] = storage.open(each, name)
            undo.callback(opened[name].close)
        engine = Engine(
            embedder,
            opened,
            folders={name: each for name, each in places.items() if isinstance(each, Path)},
            storage=storage,
            home=home,
            models=models,
            model_path=model,
            image_limits=image_limits or ImageLimits(),
            search_limits=search_limits or SearchLimits(),
            decoded_bytes_in_flight=decoded_bytes_in_flight,
        )
        undo.pop_all()  # from here on the engine closes them
    return engine


def _by_name(
    galleries: Sequence[tuple[str, Path | MilvusAddress]], home: GalleryHome | None
) -> dict[str, Path | MilvusAddress]:
    names = [name for name, _ in galleries]
    aliases = home.aliases() if home else {}
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(
                f"two galleries are named {name!r}; name them apart with NAME=GALLERY", field="galleries"
            )
        if name in aliases:
            raise InvalidInput(
                f"{name!r} is a gallery, and an alias of gallery {aliases[name]!r} too; name the gallery otherwise "
                f"with NAME=DIR, or rename its folder",
                field="galleries",
            )
    return dict(galleries)

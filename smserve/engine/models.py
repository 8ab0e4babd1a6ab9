"""The models that an engine has: those loaded, and those of a folder that are loaded when they are asked for."""

import logging
import threading
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smserve.config import ImageLimits
from smserve.embedder import Embedder
from smserve.engine.budget import ByteBudget
from smserve.engine.pictures import PictureEmbedder
from smserve.engine.stages import Stages
from smserve.errors import ModelDamaged, ModelMismatch, ModelNotFound
from smserve.model_file import Manifest, fingerprint

__all__ = ["Model", "Models"]

_log: Final = logging.getLogger(__name__)


class Model:
    """A loaded model, warm; safe to use from many threads.

    Attributes:
        embedder: Runs it.
        pictures: Decodes and embeds, within the engine's budget of memory.
        path: Its file, where that is known.
    """

    def __init__(
        self, embedder: Embedder, limits: ImageLimits, budget: ByteBudget, stages: Stages, path: Path | None = None
    ) -> None:
        self.embedder: Final = embedder
        self.pictures: Final = PictureEmbedder(embedder, limits, budget, stages)
        self.path: Final = path
        self.pictures.warm_up()
        embedder.listen(stages.batch)

    @property
    def fingerprint(self) -> str:
        """The sha256 of the model file."""
        return self.embedder.fingerprint

    @property
    def manifest(self) -> Manifest:
        """What the file says about itself."""
        return self.embedder.manifest

    @property
    def name(self) -> str:
        """For people."""
        return self.embedder.manifest.name

    @property
    def dimension(self) -> int:
        """D."""
        return self.embedder.dimension

    def probability(self, scores: ArrayLike) -> NDArray[np.float64] | None:
        """Return the probability of "same class" of each cosine, of any shape; None where there is no calibration."""
        calibration = self.manifest.calibration
        return None if calibration is None else calibration.probability(scores)

    def check_pin(self, expected: str) -> None:
        """Check that it is the model that a caller expects; an empty fingerprint expects none.

        Raises:
            ModelMismatch: It is another one.
        """
        if expected and expected != self.fingerprint:
            raise ModelMismatch(
                f"the caller expects model {expected}, the server has {self.fingerprint} ({self.name}) here; ask for a "
                f"gallery, or a server, with that model, or drop the expectation"
            )


class Models:
    """Those loaded, by fingerprint; the others of a folder by the sha256 of their files.

    All are run by what runs the server's own.
    """

    def __init__(
        self,
        default: Embedder,
        *,
        limits: ImageLimits,
        budget: ByteBudget,
        stages: Stages,
        folder: Path | None = None,
        default_path: Path | None = None,
    ) -> None:
        """Begin with the server's own model.

        Args:
            default: It.
            limits: What a picture may cost.
            budget: Memory for pictures being decoded at the same time, by all models together.
            stages: Counts the steps that they take.
            folder: Where further model files (*.onnx) lie; read again whenever an unknown one is asked for.
            default_path: The file of the server's own model.
        """
        self._limits: Final = limits
        self._budget: Final = budget
        self._stages: Final = stages
        self._folder: Final = folder
        self.default: Final = Model(default, limits, budget, stages, default_path)
        self._loaded: Final = {default.fingerprint: self.default}
        self._files: dict[tuple[str, int, int, int], str] = {}  # a file as it was when it was hashed -> its fingerprint
        self._loading: Final = threading.Lock()

    def loaded(self) -> tuple[Model, ...]:
        """Return those in memory, the server's own first."""
        return tuple(self._loaded.values())

    def is_available(self, wanted: str) -> bool:
        """Whether a model is loaded or lies in the folder."""
        if wanted in self._loaded:
            return True
        with self._loading:
            return wanted in self._found()

    def get(self, wanted: str) -> Model:
        """Return a model, loaded and self-checked.

        Raises:
            ModelNotFound: The server does not have it.
            ModelDamaged: Its file can't be loaded or fails its self-check.
        """
        if wanted in self._loaded:
            return self._loaded[wanted]
        with self._loading:  # one at a time: loading takes memory and all cores
            if wanted not in self._loaded:
                self._loaded[wanted] = self._load(wanted)
            return self._loaded[wanted]

    def _load(self, wanted: str) -> Model:
        path = self._found().get(wanted)
        if path is None:
            where = f"put its file into {self._folder}" if self._folder else "start the server with --models DIR"
            raise ModelNotFound(
                f"this server does not have model {wanted}; it has {', '.join(self._loaded)}; {where}, as *.onnx"
            )
        embedder = Embedder(path, self.default.embedder.settings)
        if embedder.fingerprint != wanted:
            raise ModelDamaged(f"model file {path} was changed while it was being loaded; ask again")
        _log.info("loaded model %s (%s) from %s", wanted, embedder.manifest.name, path)
        return Model(embedder, self._limits, self._budget, self._stages, path)

    def _found(self) -> dict[str, Path]:
        """Return the files of the folder by fingerprint; each is hashed once."""
        if self._folder is None:
            return {}
        known: dict[tuple[str, int, int, int], str] = {}
        found: dict[str, Path] = {}
        for path in sorted(self._folder.glob("*.onnx")):
            try:
                state = path.stat()
                key = (str(path), state.st_size, state.st_mtime_ns, state.st_ino)
                known[key] = self._files.get(key) or fingerprint(path.read_bytes())
            except OSError as error:
                _log.warning("model file %s can't be read: %s", path, error.strerror)
                continue
            found.setdefault(known[key], path)
        self._files = known
        return found

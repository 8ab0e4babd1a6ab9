"""How much memory a server will take, told from its settings and the sizes of its files before anything is loaded.

`python -m benchmarks memory` compares prediction and truth.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from smserve.config import MAX_MESSAGE_BYTES
from smserve.embedder import InferenceSettings
from smserve.errors import SmserveError
from smserve.model_file import fingerprint
from smserve.server.memory.model import model_part
from smserve.server.memory.prediction import MemoryPart, MemoryPrediction
from smserve.server.settings import ServerSettings

__all__ = ["predict_memory"]

_PROCESS: Final = {"openvino": 145 << 20}
_PROCESS_BY_DEFAULT: Final = 115 << 20
"""Python and its libraries, what runs models among them: measured 115 MiB with ONNX Runtime, and 30 more with OpenVINO,
on Linux x86-64 and Python 3.11."""


def predict_memory(
    settings: ServerSettings,
    model: Path,
    galleries: Sequence[tuple[str, Path]],
    *,
    folder: Path | None = None,
    models: Path | None = None,
    inference: InferenceSettings | None = None,
    decoded_bytes_in_flight: int,
) -> MemoryPrediction:
    """Return what a server will take; what can't be read counts for nothing, and who opens it says why.

    The arguments are those of `open_engine`. Messages of streams, and models that no gallery needs at the start, are
    not in it.
    """
    inference = inference or InferenceSettings()
    wanted, opened = _galleries([*galleries, *_below(folder)])
    process = _PROCESS.get(inference.provider, _PROCESS_BY_DEFAULT)
    calls = settings.max_in_flight + settings.max_waiting
    return MemoryPrediction(
        parts=(
            MemoryPart(name="process", at_rest=process, at_most=process),
            *(
                model_part(name, data, inference, settings.max_in_flight)
                for name, data in _loaded(model, models, wanted)
            ),
            *opened,
            MemoryPart(name="pictures being decoded", at_most=decoded_bytes_in_flight),
            MemoryPart(name="messages of calls", at_most=calls * MAX_MESSAGE_BYTES),
        )
    )


def _galleries(named: Sequence[tuple[str, Path]]) -> tuple[set[str], list[MemoryPart]]:
    """Return the fingerprints of the models that galleries want, and what each gallery takes."""
    from smserve.gallery.footprint import footprint  # loads FAISS

    wanted, parts = set[str](), []
    for name, path in named:
        with contextlib.suppress(SmserveError, OSError):
            takes = footprint(path)
            wanted.add(takes.model_fingerprint)
            parts.append(
                MemoryPart(
                    name=f"gallery {name}",
                    at_rest=takes.searched + takes.held,
                    at_most=takes.held + takes.growing + takes.next,
                    mapped=2 * (takes.searched + takes.mapped),  # those of the next generation, too, while it is made
                )
            )
    return wanted, parts


def _loaded(model: Path, folder: Path | None, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the server's own model, and of those of the folder that galleries want."""
    left = set(wanted)
    others = sorted(folder.glob("*.onnx")) if folder is not None else []
    for name, path in (("model", model), *((f"model {path.stem}", path) for path in others)):
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if path is model or fingerprint(data) in left:
                left.discard(fingerprint(data))
                yield name, data


def _below(folder: Path | None) -> list[tuple[str, Path]]:
    if folder is None or not folder.is_dir():
        return []
    return [(entry.name, entry) for entry in sorted(folder.iterdir()) if entry.is_dir() and entry.name[0] != "."]

"""Hold the exported graph against the network that it came from."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smserve.errors import SmserveError
from smserve.model_file import INPUT_NAME, OUTPUT_NAME
from smserve.ort import onnxruntime
from smserve.types import FloatArray

__all__ = [
    "MAX_DIFFERENCE",
    "NEIGHBOURS",
    "PixelArray",
    "check_agreement",
    "check_unit_norm",
    "onnx_embed",
    "onnx_session",
]

PixelArray = NDArray[np.uint8]

MAX_DIFFERENCE = 1e-4
"""Largest difference of any number of an embedding between ONNX Runtime and torch."""

NEIGHBOURS = 10
"""How many nearest neighbours of each picture must be the same, in the same order."""

_TIE = 1e-5  # cosines nearer than this are equal as far as float32 can tell
_MAX_NORM_ERROR = 1e-3
_CHUNK = 64


def onnx_session(model: bytes) -> onnxruntime.InferenceSession:
    """Return a session of a model file's bytes on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: its warnings are about its own optimizer
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnx_embed(session: onnxruntime.InferenceSession, pixels: PixelArray) -> FloatArray:
    """Return embeddings (N, D) of pictures (N, H, W, 3) uint8 in one call."""
    return np.asarray(session.run([OUTPUT_NAME], {INPUT_NAME: pixels})[0], np.float32)


def check_unit_norm(embeddings: FloatArray) -> None:
    """Refuse embeddings (N, D) that are not of unit norm, or not finite.

    Raises:
        SmserveError: With the largest error.
    """
    error = np.abs(np.linalg.norm(embeddings, axis=1) - 1).max()
    if not error <= _MAX_NORM_ERROR:  # NaN fails too
        raise SmserveError(
            f"the network's embeddings are not of unit norm (off by {error:.2g}, wanted at most {_MAX_NORM_ERROR}); "
            f"the model is not exported: its last layer must normalize, its weights be finite"
        )


def check_agreement(
    pixels: PixelArray,
    expected: Callable[[PixelArray], FloatArray],
    exported: Callable[[PixelArray], FloatArray],
) -> None:
    """Refuse an exported graph that does not compute what torch does.

    Args:
        pixels: (N, H, W, 3) uint8, the sample.
        expected: Embeds by torch.
        exported: Embeds by ONNX Runtime.

    Raises:
        SmserveError: Not unit norm, too large a difference, or other nearest neighbours; with the numbers.
    """
    chunks = [pixels[start : start + _CHUNK] for start in range(0, len(pixels), _CHUNK)]
    by_torch = np.concatenate([expected(chunk) for chunk in chunks])  # (N, D)
    by_onnx = np.concatenate([exported(chunk) for chunk in chunks])  # (N, D)
    alone = exported(pixels[:1])  # (1, D): a batch of another size must give the same
    check_unit_norm(by_torch)
    difference = max(np.abs(by_onnx - by_torch).max(), np.abs(alone - by_torch[:1]).max())
    if not difference <= MAX_DIFFERENCE:
        raise SmserveError(
            f"ONNX Runtime and torch differ by {difference:.2g} in an embedding, wanted at most {MAX_DIFFERENCE:g}; "
            f"the model is not exported: some layer computes something else in ONNX"
        )
    changed = _changed_neighbours(by_torch, by_onnx)
    if changed:
        raise SmserveError(
            f"{changed} of {len(pixels)} pictures have other nearest neighbours by ONNX Runtime than by torch among "
            f"the first {NEIGHBOURS}, wanted 0; the model is not exported: its embeddings lie too close together to be "
            f"told apart"
        )


def _changed_neighbours(by_torch: FloatArray, by_onnx: FloatArray) -> int:
    """Count the rows whose nearest others are not the same in the same order by both; ties are no change.

    The j-th nearest by ONNX Runtime must be as near, by torch, as torch's own j-th.
    """
    count = min(NEIGHBOURS, len(by_torch) - 1)
    if count < 1:
        return 0
    cosines = by_torch @ by_torch.T  # (N, N)
    others = by_onnx @ by_onnx.T  # (N, N)
    np.fill_diagonal(cosines, -np.inf)
    np.fill_diagonal(others, -np.inf)
    chosen = np.argsort(-others, axis=1, kind="stable")[:, :count]  # (N, k)
    wanted = -np.sort(-cosines, axis=1)[:, :count]  # (N, k)
    found = np.take_along_axis(cosines, chosen, axis=1)
    return int((np.abs(found - wanted) > _TIE).any(axis=1).sum())

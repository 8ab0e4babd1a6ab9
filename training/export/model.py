"""Turn a trained network into `model.onnx`, and publish it only if it computes the same."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from smserve.errors import InvalidInput, SmserveError
from smserve.images import ResizeRule, prepare
from smserve.model_file import METADATA_KEY, Calibration, Manifest, fingerprint
from smserve.types import FloatArray
from training.export.agreement import PixelArray, check_agreement, check_unit_norm, onnx_embed, onnx_session
from training.export.graph import inference_copy, to_onnx
from training.export.self_check import make_self_check

__all__ = ["export_model"]


def export_model(
    net: nn.Module,
    *,
    rule: ResizeRule,
    name: str,
    provenance: Mapping[str, Any],
    check_pictures: Sequence[tuple[str, bytes]],
    neighbour_pictures: PixelArray | None,
    output: Path,
    calibration: Calibration | None = None,
) -> str:
    """Write the model file and return its fingerprint. An existing file is replaced at the end, in one step.

    The same weights, pictures and provenance give the same bytes, as long as torch's version is the same.

    Args:
        net: Maps (N, H, W, 3) uint8 to (N, D) float32 of unit norm; stays as it is.
        rule: How a decoded picture becomes the net's input.
        name: For people.
        provenance: JSON; no time and no path of this machine, or two exports differ.
        check_pictures: Names and encoded pictures for the self-check; at least one. Large ones are stored smaller.
        neighbour_pictures: (M, H, W, 3) uint8, a sample on which nearest neighbours must agree, or None.
        output: The file, by custom `model.onnx`.
        calibration: From a cosine to a probability, where there is one.

    Raises:
        SmserveError: The graph does not compute what torch does, or the file can't be written; nothing is published.
        InvalidInput: No check pictures, or one that can't be read.
    """
    if not check_pictures:
        raise InvalidInput(
            "no pictures were given for the model's self-check, wanted at least 1", field="check_pictures"
        )
    net = inference_copy(net)

    def by_torch(pixels: PixelArray) -> FloatArray:
        with torch.inference_mode():
            return np.asarray(
                net(torch.from_numpy(np.array(pixels))).numpy(), np.float32
            )  # a copy: it may be read-only

    self_check = make_self_check(check_pictures, rule, by_torch)
    check_unit_norm(np.stack([item.embedding for item in self_check]))  # before the export, which takes its time
    model = to_onnx(net, rule.height, rule.width)
    manifest = Manifest(
        name=name,
        resize=rule,
        dimension=self_check[0].embedding.size,
        provenance=provenance,
        calibration=calibration,
        self_check=self_check,
    )
    onnx.helper.set_model_props(model, {METADATA_KEY: manifest.to_json()})
    data = model.SerializeToString(deterministic=True)
    sample = np.stack([prepare(item.image, rule) for item in self_check])  # (N, H, W, 3)
    if neighbour_pictures is not None and len(neighbour_pictures):
        sample = np.concatenate([sample, neighbour_pictures])
    check_agreement(sample, by_torch, partial(onnx_embed, onnx_session(data)))
    _publish(data, output)
    return fingerprint(data)


def _publish(data: bytes, output: Path) -> None:
    """Write the whole file or nothing."""
    unfinished = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(output)
    except OSError as error:
        raise SmserveError(
            f"model file {output} can't be written ({error.strerror}); see that the folder can be written and has room"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()

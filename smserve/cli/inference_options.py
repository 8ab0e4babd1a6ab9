"""Options of the commands that load a model: what runs it, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from smserve.cli.option_group import option_group

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings

__all__ = ["inference_options", "serving_inference_options"]

_PROVIDER = click.option(
    "--provider",
    type=click.Choice(["cpu", "cuda", "openvino"]),
    default="cpu",
    help="What runs the model: ONNX Runtime on the CPU or on an NVIDIA GPU, or OpenVINO on the CPU. There is no "
    "fallback to another.",
)
_PRECISION = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    help="Of the network's arithmetic; bfloat16 wants OpenVINO, and a CPU that has it.",
)
_MAX_BATCH = click.option(
    "--max-batch",
    type=click.IntRange(1, 1024),
    metavar="N",
    show_default="32 with cuda, else 1",
    help="Pictures of calls at the same time that the model takes together; 1 for none.",
)
_MAX_BATCH_DELAY = click.option(
    "--max-batch-delay",
    "max_batch_delay_ms",
    type=click.FloatRange(0, 1000),
    default=0.0,
    metavar="MS",
    help="How long a batch that is not full waits for more; at 0 it takes what came while the one before it ran.",
)


def _threads(default: str) -> Any:
    return click.option(
        "--inference-threads",
        "threads",
        type=click.IntRange(1, 256),
        metavar="N",
        show_default=default,
        help="CPU threads of one call of the model.",
    )


def _settings(**values: Any) -> InferenceSettings:
    from smserve.embedder import InferenceSettings  # loads NumPy and Pillow

    return InferenceSettings(**values)


inference_options = option_group("inference", _settings, _PROVIDER, _PRECISION, _threads("as many as decode"))
"""For commands that embed pictures of their own; the argument is `inference`."""

serving_inference_options = option_group(
    "inference", _settings, _PROVIDER, _PRECISION, _threads("1"), _MAX_BATCH, _MAX_BATCH_DELAY
)
"""For `smserve serve`; the argument is `inference`."""

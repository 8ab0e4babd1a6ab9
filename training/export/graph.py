"""A network as an ONNX graph: the same weights give the same bytes."""

import copy

import onnx
import torch
from torch import nn

from smserve.errors import SmserveError
from smserve.model_file import INPUT_NAME, OUTPUT_NAME

__all__ = ["inference_copy", "to_onnx"]

_OPSET = 18  # the exporter's own; an older one would be a conversion after the fact
_TRACED_BATCH = 2  # the exporter takes a size of 1 for a constant


def inference_copy(net: nn.Module) -> nn.Module:
    """Return a copy in float32 on the CPU and in evaluation mode; `net` stays as it is."""
    return copy.deepcopy(net).cpu().float().eval()


def to_onnx(net: nn.Module, height: int, width: int) -> onnx.ModelProto:
    """Return the graph of `net`, with a dynamic batch and weights inside.

    Args:
        net: As `inference_copy` returns it; maps (N, H, W, 3) uint8 to (N, D) float32.
        height: H in pixels.
        width: W in pixels.

    Raises:
        SmserveError: The network can't be traced, or only for batches of one size.
    """
    images = torch.zeros((_TRACED_BATCH, height, width, 3), dtype=torch.uint8)
    try:
        program = torch.onnx.export(
            net,
            (images,),
            dynamo=True,
            external_data=False,
            opset_version=_OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        raise SmserveError(
            f"{type(net).__name__} can't be written as an ONNX graph ({cause}); see that its forward has no branches "
            f"on values and only operators that ONNX has"
        ) from error
    assert program is not None  # noqa: S101 - for mypy: only the export without dynamo returns None
    model: onnx.ModelProto = program.model_proto
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    if not batch.dim_param:  # the exporter's fallback, without a word
        raise SmserveError(
            f"{type(net).__name__} can't be written as an ONNX graph for any number of pictures, only for batches of "
            f"{batch.dim_value}; see that its forward takes no size as a plain number, as len() does"
        )
    _strip_traces(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _strip_traces(model: onnx.ModelProto) -> None:
    """Remove what tells of the machine: the exporter notes stack traces with paths at each node and value."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")

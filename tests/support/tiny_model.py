"""A real model file, small enough to be made in a test: mean colour in a grid, a random projection, unit norm."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from smserve.images import ResizeRule, prepare
from smserve.model_file import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Calibration, Manifest, SelfCheckItem
from smserve.ort import onnxruntime
from tests.support.pictures import draw, encode

RULE = ResizeRule(mode="squash", size=16, height=16, width=16, decoding="reduced")


def write_tiny_model(
    path: Path,
    *,
    seed: int = 0,
    dimension: int = 8,
    wrong_self_check: bool = False,
    batch: int | str = "N",
    calibration: Calibration | None = None,
) -> Path:
    """Write a model whose embedding depends on the colours of a 2 x 2 grid; another seed is another model.

    A `batch` that is a number makes a model of one size of batch, which smserve refuses.
    """
    random = np.random.default_rng(seed)
    weights = random.standard_normal((12, dimension)).astype(np.float32)
    constants = {
        "scale": np.float32(255),
        "mean": np.float32(0.7),
        "weights": weights,
        "flat": np.array([0, 12], np.int64),
    }
    nodes = [
        helper.make_node("Cast", [INPUT_NAME], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "scale"], ["unit"]),
        helper.make_node("Sub", ["unit", "mean"], ["centred"]),
        helper.make_node("Transpose", ["centred"], ["channels"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["channels"], ["grid"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["grid", "flat"], ["vector"]),
        helper.make_node("MatMul", ["vector", "weights"], ["projected"]),
        helper.make_node("LpNormalization", ["projected"], [OUTPUT_NAME], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, [batch, 16, 16, 3])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [batch, dimension])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pictures = [encode(draw(color)) for color in ("red", "blue")]
    each = [session.run([OUTPUT_NAME], {INPUT_NAME: prepare(picture, RULE)[np.newaxis]})[0] for picture in pictures]
    embeddings = np.concatenate(each)
    if wrong_self_check:
        embeddings = -embeddings
    manifest = Manifest(
        name=f"tiny-{seed}",
        resize=RULE,
        dimension=dimension,
        provenance={"dataset": "drawn", "seed": seed},
        calibration=calibration,
        self_check=tuple(
            SelfCheckItem(name=name, image=picture, embedding=embedding)
            for name, picture, embedding in zip(("red", "blue"), pictures, embeddings, strict=True)
        ),
    )
    helper.set_model_props(model, {METADATA_KEY: manifest.to_json()})
    onnx.save(model, path)
    return path

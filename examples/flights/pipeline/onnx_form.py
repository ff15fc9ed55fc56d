"""Converts the model to ONNX: one input per column, one probability per flight."""

import numpy
import onnx
from lightgbm import LGBMClassifier
from onnx import TensorProto, helper
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from rows import NUMBERS, WORDS
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

OUTPUT = "late_probability"

update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)


def as_onnx(fitted) -> onnx.ModelProto:
    types = [(name, StringTensorType([None, 1])) for name in WORDS]
    types += [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    # Operator versions that both the tree converters and ONNX Runtime support.
    model = convert_sklearn(fitted, initial_types=types, options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    graph = model.graph
    both = graph.output[1].name
    graph.initializer.append(helper.make_tensor("of_late", TensorProto.INT64, [1], [1]))
    graph.node.append(helper.make_node("Gather", [both, "of_late"], [OUTPUT], axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1]))
    onnx.checker.check_model(model)
    return model


def ask(session, rows) -> numpy.ndarray:
    given = {name: rows[[name]].to_numpy(dtype=str) for name in WORDS}
    given |= {name: rows[[name]].to_numpy(dtype="float32") for name in NUMBERS}
    return session.run([OUTPUT], given)[0].ravel()

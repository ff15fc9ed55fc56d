"""BentoML's service with one ONNX model. The variable MODEL names the file of the model."""

import os

import bentoml
import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class M:
    def __init__(self):
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.name_in = self.session.get_inputs()[0].name

    @bentoml.api
    def infer(self, inputs: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.name_in: inputs.astype(np.float32)})[0]

"""KServe's own server with one ONNX model. Arguments: port, port of gRPC, file of the model."""

import sys

import onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer

port, grpc_port, file = sys.argv[1:4]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1


class Onnx(Model):
    def load(self):
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.name_in = self.session.get_inputs()[0].name
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        values = self.session.run(None, {self.name_in: payload.inputs[0].as_numpy()})[0]
        output = InferOutput(name="y", shape=list(values.shape), datatype="FP32", data=values.flatten().tolist())
        return InferResponse(response_id=payload.id, model_name=self.name, infer_outputs=[output])


model = Onnx("m")
model.load()
ModelServer(http_port=int(port), grpc_port=int(grpc_port), workers=1, access_log_format="").start([model])

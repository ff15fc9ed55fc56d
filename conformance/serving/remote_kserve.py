"""A model of KServe's own server that Dais calls: it doubles its input. Argument: port."""

import sys

from kserve import InferOutput, InferResponse, Model, ModelServer


class Doubled(Model):
    def load(self):
        self.ready = True

    async def get_input_types(self):
        return [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]

    async def get_output_types(self):
        return [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}]

    def predict(self, payload, headers=None, response_headers=None):
        output = InferOutput(name="y", shape=payload.inputs[0].shape, datatype="FP32")
        output.set_data_from_numpy(payload.inputs[0].as_numpy() * 2, binary_data=payload.use_binary_outputs)
        return InferResponse(response_id=payload.id or "none", model_name=self.name, infer_outputs=[output])


model = Doubled("doubled")
model.load()
ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1, access_log_format="").start([model])

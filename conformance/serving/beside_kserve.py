"""KServe's own server with two models, like the custom ones in its guide. Arguments: port, ONNX file, file of joblib."""

import sys

import joblib
import onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer
from kserve.utils.numpy_codec import from_np_dtype

port, file, pickled = sys.argv[1:4]


def answer(model, payload, named):
    outputs = []
    for name, values in named.items():
        output = InferOutput(name=name, shape=list(values.shape), datatype=from_np_dtype(values.dtype))
        output.set_data_from_numpy(values, binary_data=False)
        outputs.append(output)
    # It requires an id in the response.
    return InferResponse(response_id=payload.id or "none", model_name=model.name, infer_outputs=outputs)


class Onnx(Model):
    def load(self):
        self.session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        given = {one.name: one.as_numpy() for one in payload.inputs}
        names = [one.name for one in self.session.get_outputs()]
        return answer(self, payload, dict(zip(names, self.session.run(None, given))))


class Sklearn(Model):
    def load(self):
        self.model = joblib.load(pickled)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return answer(self, payload, {"predict": self.model.predict(payload.inputs[0].as_numpy())})


models = [Onnx("trees"), Sklearn("iris")]
for model in models:
    model.load()
ModelServer(http_port=int(port), enable_grpc=False, workers=1, access_log_format="").start(models)

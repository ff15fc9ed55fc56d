"""The ONNX model of MLServer: its settings name this class. For scikit-learn it has its own runtime."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Onnx(MLModel):
    async def load(self):
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload):
        given = {one.name: NumpyCodec.decode_input(one) for one in payload.inputs}
        names = [one.name for one in self.session.get_outputs()]
        outputs = [NumpyCodec.encode_output(name, values) for name, values in zip(names, self.session.run(None, given))]
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=outputs)

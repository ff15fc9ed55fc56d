"""Models of MLServer that Dais calls: one returns its inputs, one fails for negative numbers."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse, ResponseOutput


class Echo(MLModel):
    async def predict(self, payload):
        outputs = [
            ResponseOutput(name=one.name, shape=one.shape, datatype=one.datatype, data=one.data) for one in payload.inputs
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)


class Doubled(MLModel):
    async def predict(self, payload):
        values = NumpyCodec.decode_input(payload.inputs[0])
        if (values < 0).any():
            raise InferenceError("x must not be negative")
        output = NumpyCodec.encode_output("y", values * 2)
        return InferenceResponse(model_name=self.name, outputs=[output])

"""Ray Serve with one replica of one ONNX model. Arguments: port, file of the model."""

import sys
import time

import numpy as np
import onnxruntime
import ray
from ray import serve

port, file = sys.argv[1:3]


@serve.deployment(num_replicas=1, max_ongoing_requests=100)
class Onnx:
    def __init__(self, model):
        # Here, because the class of a replica is sent to its process.
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.name_in = self.session.get_inputs()[0].name

    async def __call__(self, request):
        inputs = (await request.json())["inputs"]
        return self.session.run(None, {self.name_in: np.asarray(inputs, dtype=np.float32)})[0].tolist()


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
serve.run(Onnx.bind(file), name="m", route_prefix="/infer")
while True:
    time.sleep(60)

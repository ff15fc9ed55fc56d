"""KServe's own clients, unmodified, against a gateway. Arguments: address of HTTP, address of gRPC."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

HTTP, GRPC = sys.argv[1:3]
counts = {}


def request(model, datatype, name, data, binary):
    given = InferInput(name, list(data.shape), datatype)
    given.set_data_from_numpy(data, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[given], request_id="5")


async def main():
    x = np.array([[1, 2], [3, 4]], dtype=np.float32)
    first = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await first.is_server_live(f"http://{HTTP}") is True
    assert await first.is_model_ready(f"http://{HTTP}", "sum") is True
    answer = await first.infer(f"http://{HTTP}", {"instances": x.tolist()}, model_name="sum")
    assert answer == {"predictions": [3, 7]}, answer
    counts["v1-http"] = 1
    second = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await second.is_server_live(f"http://{HTTP}") is True
    assert await second.is_server_ready(f"http://{HTTP}") is True
    assert await second.is_model_ready(f"http://{HTTP}", "sum") is True
    counts["v2-http"] = 0
    for binary in [False, True]:
        answer = await second.infer(f"http://{HTTP}", request("sum", "FP32", "x", x, binary), model_name="sum")
        assert answer.id == "5" and answer.outputs[0].as_numpy().tolist() == [3, 7], answer
        counts["v2-http"] += 1
    half = np.array([[0.5, 2]], dtype=np.float16)
    answer = await second.infer(
        f"http://{HTTP}", request("identity-FP16", "FP16", "INPUT0", half, True), model_name="identity-FP16"
    )
    np.testing.assert_array_equal(answer.outputs[0].as_numpy(), half)
    counts["v2-http"] += 1
    over_grpc = InferenceGRPCClient(GRPC)
    assert await over_grpc.is_server_live() and await over_grpc.is_server_ready()
    assert await over_grpc.is_model_ready("sum")
    counts["v2-grpc"] = 0
    for binary in [False, True]:
        answer = await over_grpc.infer(request("sum", "FP32", "x", x, binary))
        assert answer.outputs[0].as_numpy().tolist() == [3, 7], answer
        counts["v2-grpc"] += 1


asyncio.run(main())
print(json.dumps(counts))

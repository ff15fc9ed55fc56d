"""NVIDIA's clients over TLS: `HTTPS_ADDRESS GRPC_ADDRESS CA_FILE`. Prints the number of responses of each."""

import json
import sys

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client

HTTP, GRPC, CA = sys.argv[1:]
done = {}


def ask(name, client, module):
    given = np.array([[1, 2], [3, 4]], dtype=np.float32)
    tensor = module.InferInput("x", given.shape, "FP32")
    tensor.set_data_from_numpy(given)
    assert client.is_server_ready()
    answer = client.infer("sum", [tensor])
    assert answer.as_numpy("y").tolist() == [3, 7]
    done[name] = done.get(name, 0) + 1
    client.close()


ask(
    "https",
    http_client.InferenceServerClient(HTTP, ssl=True, ssl_options={"ca_certs": CA}),
    http_client,
)
ask("grpcs", grpc_client.InferenceServerClient(GRPC, ssl=True, root_certificates=CA), grpc_client)
try:
    ask("in clear", grpc_client.InferenceServerClient(GRPC), grpc_client)
except grpc_client.InferenceServerException:
    done["refused"] = 1
print(json.dumps(done))

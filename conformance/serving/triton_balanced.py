"""NVIDIA's clients through a load balancer: `HTTP_ADDRESS GRPC_ADDRESS TOKEN ENDPOINT COUNT`.

Each request has a client of its own, and so a connection of its own. The endpoint doubles its input. Prints the number
of responses of each client as JSON.
"""

import json
import sys

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client

HTTP, GRPC, TOKEN, ENDPOINT, COUNT = sys.argv[1:]
HEADERS = {"authorization": f"Bearer {TOKEN}"}
done = {"http": 0, "grpc": 0}


# The HTTP client adds its own headers to those that it gets.
def ask(name, client, module, number):
    given = np.array([[number]], dtype=np.float32)
    tensor = module.InferInput("x", given.shape, "FP32")
    tensor.set_data_from_numpy(given)
    assert client.is_server_ready(headers=dict(HEADERS))
    answer = client.infer(ENDPOINT, [tensor], headers=dict(HEADERS))
    assert answer.as_numpy("y").tolist() == [[2 * number]]
    done[name] += 1
    client.close()


for number in range(int(COUNT)):
    ask("http", http_client.InferenceServerClient(HTTP), http_client, number)
    # Channels of one process to one address share a connection by default.
    local = [("grpc.use_local_subchannel_pool", 1)]
    ask("grpc", grpc_client.InferenceServerClient(GRPC, channel_args=local), grpc_client, number)
print(json.dumps(done))

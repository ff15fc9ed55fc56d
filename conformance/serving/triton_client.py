"""NVIDIA's own clients, unmodified, against a gateway: HTTP, asyncio over HTTP, gRPC, a stream over gRPC.

Arguments: address of HTTP, address of gRPC. Endpoints: `identity-<DATATYPE>` return their input, `sum` adds two
columns. Prints the tested cases as JSON; ends with an error at the first difference.
"""

import asyncio
import json
import queue
import sys

import ml_dtypes
import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
import tritonclient.http.aio as aio_client
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

HTTP, GRPC = sys.argv[1:3]
DATATYPES = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES",
]  # fmt: skip
IN_BINARY_ONLY = {"FP16", "BF16"}
counts = {}


def values(datatype):
    if datatype == "BYTES":
        return np.array([["one", "zwei"], ["", "\u20ac \U0001f600"]], dtype=np.object_)
    if datatype == "BOOL":
        return np.array([[True, False], [False, True]])
    kind = ml_dtypes.bfloat16 if datatype == "BF16" else np.dtype(triton_to_np_dtype(datatype))
    if datatype.startswith("FP") or datatype == "BF16":
        return np.array([[0.5, -1.25], [0.1, 3e4]], dtype=kind)
    limits = np.iinfo(kind)
    return np.array([[limits.min, limits.max], [1, 2]], dtype=kind)


def same(datatype, sent, got):
    if datatype == "BYTES":
        texts = [one.decode() if isinstance(one, bytes) else one for one in got.flatten()]
        assert texts == list(sent.flatten()), (texts, sent)
        return
    assert got.shape == sent.shape
    np.testing.assert_array_equal(got, sent)


def counted(what):
    counts[what] = counts.get(what, 0) + 1


def http_input(datatype, data, binary):
    given = http_client.InferInput("INPUT0", list(data.shape), datatype)
    given.set_data_from_numpy(data, binary_data=binary)
    return given


def http_forms(datatype):
    forms = [True] if datatype in IN_BINARY_ONLY else [True, False]
    return [(sent, got) for sent in forms for got in forms]


def over_http():
    client = http_client.InferenceServerClient(HTTP)
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("sum") and client.is_model_ready("sum", "1")
    assert not client.is_model_ready("nobody")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("sum")["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert {"name": "sum", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    for datatype in DATATYPES:
        data = values(datatype)
        for sent, got in http_forms(datatype):
            for packed in [None, "gzip", "deflate"]:
                result = client.infer(
                    f"identity-{datatype}",
                    [http_input(datatype, data, sent)],
                    outputs=[http_client.InferRequestedOutput("OUTPUT0", binary_data=got)],
                    request_id="42",
                    request_compression_algorithm=packed,
                    response_compression_algorithm=packed,
                )
                same(datatype, data, result.as_numpy("OUTPUT0"))
                assert result.get_response()["id"] == "42"
                counted("http")
        # Without outputs the client requests all of them in binary.
        same(datatype, data, client.infer(f"identity-{datatype}", [http_input(datatype, data, True)]).as_numpy("OUTPUT0"))
    large = np.arange(200_000, dtype=np.float32).reshape(2, 100_000) / 7
    for packed in [None, "gzip", "deflate"]:
        for binary in [True, False]:
            result = client.infer(
                "identity-FP32",
                [http_input("FP32", large, binary)],
                outputs=[http_client.InferRequestedOutput("OUTPUT0", binary_data=binary)],
                request_compression_algorithm=packed,
                response_compression_algorithm=packed,
            )
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), large)
            counted("http-large")
    pending = [client.async_infer("identity-INT32", [http_input("INT32", values("INT32"), True)]) for _ in range(20)]
    for one in pending:
        same("INT32", values("INT32"), one.get_result().as_numpy("OUTPUT0"))
        counted("http-async")
    statistics = client.get_inference_statistics("identity-FP32")["model_stats"][0]
    assert statistics["inference_count"] > 0 and statistics["batch_stats"]
    for bad, status in [("nobody", "404"), ("sum", "400")]:
        try:
            client.infer(bad, [http_input("INT32", values("INT32"), True)])
            raise AssertionError(f"{bad} was answered")
        except InferenceServerException as error:
            assert error.status() == status, (error.status(), error.message())
            counted("http-refused")
    try:
        client.unload_model("sum")
        raise AssertionError("a model was unloaded")
    except InferenceServerException as error:
        assert "dais deploy" in error.message(), error.message()
    client.close()


async def over_aio():
    client = aio_client.InferenceServerClient(HTTP)
    assert await client.is_server_ready()
    for datatype in DATATYPES:
        data = values(datatype)
        for sent, got in http_forms(datatype):
            result = await client.infer(
                f"identity-{datatype}",
                [http_input(datatype, data, sent)],
                outputs=[http_client.InferRequestedOutput("OUTPUT0", binary_data=got)],
            )
            same(datatype, data, result.as_numpy("OUTPUT0"))
            counted("aio")
    x = np.array([[1, 2]], dtype=np.float32)
    given = http_client.InferInput("x", [1, 2], "FP32")
    given.set_data_from_numpy(x)
    results = await asyncio.gather(*[client.infer("sum", [given]) for _ in range(40)])
    assert all(result.as_numpy("y").tolist() == [3] for result in results)
    await client.close()


def classes():
    """The classification extension: the highest values of each row, with their indexes."""
    scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], dtype=np.float32)
    expected = [[b"0.700000:1", b"0.200000:2"], [b"0.500000:0", b"0.250000:1"]]
    over = http_client.InferenceServerClient(HTTP)
    assert "classification" in over.get_server_metadata()["extensions"]
    for binary in [True, False]:
        output = http_client.InferRequestedOutput("OUTPUT0", binary_data=binary, class_count=2)
        got = over.infer("identity-FP32", [http_input("FP32", scores, True)], outputs=[output]).as_numpy("OUTPUT0")
        assert [[one if isinstance(one, bytes) else one.encode() for one in row] for row in got] == expected, got
        counted("classes")
    rpc = grpc_client.InferenceServerClient(GRPC)
    output = grpc_client.InferRequestedOutput("OUTPUT0", class_count=2)
    got = rpc.infer("identity-FP32", [grpc_input("FP32", scores)], outputs=[output]).as_numpy("OUTPUT0")
    assert got.tolist() == expected, got
    counted("classes")
    for client, module in [(over, http_client), (rpc, grpc_client)]:
        output = module.InferRequestedOutput("OUTPUT0", class_count=1)
        given = module.InferInput("INPUT0", [2, 2], "BYTES")
        given.set_data_from_numpy(values("BYTES"))
        try:
            client.infer("identity-BYTES", [given], outputs=[output])
            raise AssertionError("classes of texts were answered")
        except InferenceServerException as error:
            assert "has no classes" in error.message(), error.message()
            counted("classes")
    over.close()
    rpc.close()


def grpc_input(datatype, data):
    given = grpc_client.InferInput("INPUT0", list(data.shape), datatype)
    given.set_data_from_numpy(data)
    return given


def over_grpc():
    client = grpc_client.InferenceServerClient(GRPC)
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("sum") and client.is_model_ready("sum", "1")
    assert client.get_server_metadata().name == "dais"
    metadata = client.get_model_metadata("sum")
    assert (metadata.inputs[0].name, list(metadata.inputs[0].shape)) == ("x", [-1, 2])
    assert "sum" in [model.name for model in client.get_model_repository_index().models]
    for datatype in DATATYPES:
        data = values(datatype)
        for packed in [None, "gzip", "deflate"]:
            result = client.infer(
                f"identity-{datatype}",
                [grpc_input(datatype, data)],
                outputs=[grpc_client.InferRequestedOutput("OUTPUT0")],
                request_id="7",
                compression_algorithm=packed,
            )
            same(datatype, data, result.as_numpy("OUTPUT0"))
            response = result.get_response()
            assert response.id == "7" and response.parameters["dais_variant"].string_param == "stable"
            counted("grpc")
    for model, code in [("nobody", "NOT_FOUND"), ("sum", "INVALID_ARGUMENT")]:
        try:
            client.infer(model, [grpc_input("INT32", values("INT32"))])
            raise AssertionError(f"{model} was answered")
        except InferenceServerException as error:
            assert code in error.status(), error.status()
            counted("grpc-refused")
    statistics = client.get_inference_statistics("identity-FP32").model_stats[0]
    assert statistics.inference_count > 0 and statistics.inference_stats.success.count > 0
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for number in range(10):
        client.async_stream_infer("identity-INT32", [grpc_input("INT32", values("INT32"))], request_id=str(number))
    client.async_stream_infer("nobody", [grpc_input("INT32", values("INT32"))])
    good = bad = 0
    for _ in range(11):
        result, error = answers.get(timeout=60)
        if error is not None:
            bad += 1
            continue
        same("INT32", values("INT32"), result.as_numpy("OUTPUT0"))
        good += 1
    assert (good, bad) == (10, 1), (good, bad)
    counts["grpc-stream"] = good
    client.stop_stream()
    client.close()


def typed_contents():
    """Sends the request like clients in other languages."""
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    fields = {
        "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
        "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
        "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
    }  # fmt: skip
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(GRPC))
    for datatype, field in fields.items():
        data = values(datatype)
        request = service_pb2.ModelInferRequest(model_name=f"identity-{datatype}")
        tensor = request.inputs.add(name="INPUT0", datatype=datatype, shape=data.shape)
        flat = [one.encode() for one in data.flatten()] if datatype == "BYTES" else data.flatten().tolist()
        getattr(tensor.contents, field).extend(flat)
        response = stub.ModelInfer(request)
        raw = response.raw_output_contents[0]
        if datatype == "BYTES":
            assert raw == b"".join(len(one).to_bytes(4, "little") + one for one in flat)
        else:
            assert raw == data.tobytes(), datatype
        counted("grpc-typed")


over_http()
asyncio.run(over_aio())
over_grpc()
classes()
typed_contents()
print(json.dumps(counts))

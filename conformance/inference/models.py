"""Saves the models that the tests of the Python engine load, in the given folder."""

import os
import sys

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

FOLDER = sys.argv[1]
DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "str"]


class Identity(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Weighted(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return (model_input @ np.array([1, 2, 3], dtype=np.float32)).astype(np.float32)


class LessTheMean(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return (model_input - model_input.mean(axis=0)).astype(np.float32)


class Columns(mlflow.pyfunc.PythonModel):
    """Returns its input: the types, and each row as text."""

    def predict(self, context, model_input, params=None):
        kinds = " ".join(f"{name}:{dtype}" for name, dtype in model_input.dtypes.items())
        suffix = (params or {}).get("suffix", "")
        return [f"{kinds} | {row!r}{suffix}" for row in model_input.itertuples(index=False, name=None)]


class Broken(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        print("about to read the weights")
        raise RuntimeError("the weights are not there")

    def predict(self, context, model_input, params=None):
        return model_input


class Moody(mlflow.pyfunc.PythonModel):
    """-1 ends the process, -2 never ends, -3 allocates memory, -4 raises; otherwise it returns its process id."""

    def load_context(self, context):
        # Isolated processes all have the same id.
        self.process = int.from_bytes(os.urandom(6), "big")

    def predict(self, context, model_input, params=None):
        model_input = model_input["x"] if isinstance(model_input, dict) else model_input
        first = float(np.asarray(model_input).ravel()[0])
        if first == -1:
            os._exit(3)
        while first == -2:
            pass
        if first == -3:
            self.kept = [bytearray(os.urandom(1) * 2**20) for _ in range(2000)]
        if first == -4:
            raise ValueError("minus four is not taken")
        return np.full(len(model_input), self.process, dtype=np.int64)


class Hostile(mlflow.pyfunc.PythonModel):
    """The first value selects an attack on its machine; each ends on its own, also without limits. Otherwise it returns 1."""

    def predict(self, context, model_input, params=None):
        import signal
        import socket
        import tempfile
        import threading
        import time

        model_input = model_input["x"] if isinstance(model_input, dict) else model_input
        what = int(np.asarray(model_input).ravel()[0])
        if what == -1:  # Leaves processes behind.
            for _ in range(100):
                if os.fork() == 0:
                    time.sleep(120)
                    os._exit(0)
            os._exit(4)
        if what == -2:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(120)
        if what == -3:
            for _ in range(200):
                threading.Thread(target=time.sleep, args=(120,), daemon=True).start()
            time.sleep(120)
        if what == -4:
            with tempfile.NamedTemporaryFile(delete=False) as file:
                for _ in range(1100):
                    file.write(bytes(2**20))
                    file.flush()
        if what == -5:
            for port in (7070, 22, 80):
                socket.create_connection(("127.0.0.1", port), timeout=5)
        if what == -6:
            self.kept = [bytearray(os.urandom(1) * 2**20) for _ in range(1500)]
        return np.ones(len(model_input), dtype=np.int64)


class Curious(mlflow.pyfunc.PythonModel):
    """Returns what it can access: 1 for each visible file, a network, a writable path."""

    def predict(self, context, model_input, params=None):
        import socket
        import tempfile

        def can(work):
            try:
                work()
                return 1
            except OSError:
                return 0

        reached = [
            1 if any(os.path.exists(place) for place in ("/var/log", "/etc/shadow", "/home")) else 0,
            1 if len(socket.if_nameindex()) > 1 else 0,
            can(lambda: open("/usr/written", "w")),
            1 if len([name for name in os.listdir("/proc") if name.isdigit()]) > 8 else 0,
            1 if os.environ.get("DAIS_SECRET") else 0,
        ]
        with tempfile.TemporaryFile() as scratch:
            scratch.write(b"its own")
        return np.array([reached] * len(model_input), dtype=np.int64)


def tensors(dtype, shape=(-1, 3)):
    return Schema([TensorSpec(np.dtype(dtype), shape, "x")])


def save(name, model, signature=None):
    mlflow.pyfunc.save_model(
        os.path.join(FOLDER, name), python_model=model, signature=signature, pip_requirements=["mlflow"]
    )


class Unnamed(Weighted):
    def predict(self, context, model_input, params=None):
        return super().predict(context, model_input["x"] if isinstance(model_input, dict) else model_input)


class UnnamedMean(LessTheMean):
    def predict(self, context, model_input, params=None):
        return super().predict(context, model_input["x"] if isinstance(model_input, dict) else model_input)


class UnnamedIdentity(Identity):
    def predict(self, context, model_input, params=None):
        return model_input["x"] if isinstance(model_input, dict) else model_input


for dtype in DTYPES:
    save(f"identity-{dtype}", UnnamedIdentity(), ModelSignature(tensors(dtype), Schema([TensorSpec(np.dtype(dtype), (-1, 3), "y")])))
floats = Schema([TensorSpec(np.dtype("float32"), (-1, 3), "y")])
save("weighted", Unnamed(), ModelSignature(tensors("float32"), Schema([TensorSpec(np.dtype("float32"), (-1,), "y")])))
save("mean", UnnamedMean(), ModelSignature(tensors("float32"), floats))
save("broken", Broken(), ModelSignature(tensors("float32"), floats))
save("moody", Moody(), ModelSignature(tensors("float32"), Schema([TensorSpec(np.dtype("int64"), (-1,), "y")])))
save("hostile", Hostile(), ModelSignature(tensors("float32"), Schema([TensorSpec(np.dtype("int64"), (-1,), "y")])))
save("curious", Curious(), ModelSignature(tensors("float32"), Schema([TensorSpec(np.dtype("int64"), (-1, 5), "y")])))
save("open", Identity())
save(
    "columns",
    Columns(),
    ModelSignature(
        Schema(
            [
                ColSpec(DataType.boolean, "flag", required=False),
                ColSpec(DataType.integer, "count"),
                ColSpec(DataType.long, "big"),
                ColSpec(DataType.float, "small"),
                ColSpec(DataType.double, "real"),
                ColSpec(DataType.string, "word", required=False),
                ColSpec(DataType.datetime, "moment"),
            ]
        ),
        Schema([ColSpec(DataType.string)]),
        ParamSchema([ParamSpec("suffix", DataType.string, "!")]),
    ),
)

from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402

data = load_iris(as_frame=True)
forest = RandomForestClassifier(n_estimators=20, random_state=0).fit(data.data, data.target)
mlflow.sklearn.save_model(
    forest,
    os.path.join(FOLDER, "forest"),
    signature=infer_signature(data.data, forest.predict(data.data)),
    serialization_format="cloudpickle",
    pip_requirements=["mlflow", "scikit-learn"],
)
pd.DataFrame({"target": forest.predict(data.data)}).to_json(os.path.join(FOLDER, "forest.json"), orient="values")

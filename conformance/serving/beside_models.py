"""Saves the models for the comparison of Dais and its peers in the given folder; with the argument `iris`, only that one."""

import os
import sys

import joblib
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

FOLDER = sys.argv[1]


def path(*parts):
    return os.path.join(FOLDER, *parts)


# A scikit-learn model, in the format of MLflow and in those of the peers.
data = load_iris()
classifier = LogisticRegression(max_iter=1000).fit(data.data, data.target)
mlflow.sklearn.save_model(
    classifier,
    path("iris"),
    signature=infer_signature(data.data, classifier.predict(data.data)),
    serialization_format="cloudpickle",
    pip_requirements=["mlflow", "scikit-learn"],
)
os.makedirs(path("peers"))
joblib.dump(classifier, path("peers", "iris.joblib"))
if sys.argv[2:] == ["iris"]:
    sys.exit()


class Tells(mlflow.pyfunc.PythonModel):
    """Each row of a table as text, with the types of its columns."""

    def predict(self, context, model_input, params=None):
        rows = []
        for row in model_input.itertuples(index=False, name=None):
            values = []
            for name, value in zip(model_input.columns, row):
                if isinstance(value, pd.Timestamp):
                    value = value.isoformat()
                elif value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
                    value = "missing"
                values.append(f"{name}:{kind(model_input[name].dtype)}={value}")
            rows.append(" ".join(values))
        return rows


def kind(dtype):
    """The type of texts depends on the version of pandas; times have several precisions."""
    name = str(dtype)
    if name.startswith("datetime64"):
        return "datetime"
    return "text" if name in ("object", "str", "string") else name


class TellsArrays(mlflow.pyfunc.PythonModel):
    """Returns its input, with an array for each row."""

    def predict(self, context, model_input, params=None):
        if isinstance(model_input, dict):
            parts = [np.asarray(model_input[name], dtype=np.float64).reshape(len(model_input[name]), -1) for name in sorted(model_input)]
            return np.concatenate(parts, axis=1).sum(axis=1)
        return np.asarray(model_input, dtype=np.float64) * 2


class Adds(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        params = params or {}
        total = model_input["a"] + model_input["b"] + params.get("more", 0)
        return [f"{value:g}{params.get('unit', '')}" for value in total]


class Frame(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return pd.DataFrame({"sum": model_input["a"] + model_input["b"], "larger": model_input["a"] > model_input["b"]})


def save(name, model, inputs=None, outputs=None, params=None):
    signature = None if inputs is None else ModelSignature(inputs, outputs, params)
    mlflow.pyfunc.save_model(path(name), python_model=model, signature=signature, pip_requirements=["mlflow"])


texts = Schema([ColSpec(DataType.string)])
two = Schema([ColSpec(DataType.double, "a"), ColSpec(DataType.double, "b")])
for column in ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime"):
    save(f"of-{column}", Tells(), Schema([ColSpec(DataType[column], "x")]), texts)
save("two", Tells(), two, texts)
save("optional", Tells(), Schema([ColSpec(DataType.double, "a"), ColSpec(DataType.string, "b", required=False)]), texts)
save("unnamed", Tells(), Schema([ColSpec(DataType.double), ColSpec(DataType.double)]), texts)
save(
    "tensor",
    TellsArrays(),
    Schema([TensorSpec(np.dtype("float32"), (-1, 3))]),
    Schema([TensorSpec(np.dtype("float64"), (-1, 3))]),
)
save(
    "tensors",
    TellsArrays(),
    Schema([TensorSpec(np.dtype("float32"), (-1, 2), "u"), TensorSpec(np.dtype("int64"), (-1,), "v")]),
    Schema([TensorSpec(np.dtype("float64"), (-1,))]),
)
save(
    "params",
    Adds(),
    two,
    texts,
    ParamSchema([ParamSpec("more", DataType.double, 0.0), ParamSpec("unit", DataType.string, "")]),
)
save("frame", Frame(), two, Schema([ColSpec(DataType.double, "sum"), ColSpec(DataType.boolean, "larger")]))
save("open", Tells())
tables = path("tables")
os.makedirs(tables)
table = pd.DataFrame({"a": [1.5, -2.0], "b": [0.25, 3.0]})
for compression in ("snappy", "gzip", "brotli", None):
    table.to_parquet(os.path.join(tables, f"two-{compression or 'plain'}.parquet"), compression=compression)
table.iloc[:, :1].to_parquet(os.path.join(tables, "one-column.parquet"))
table.iloc[:, ::-1].assign(c=["x", "y"]).to_parquet(os.path.join(tables, "more.parquet"))
table.set_index(pd.Index([7, 9], name="key")).to_parquet(os.path.join(tables, "index.parquet"))
values = {
    "boolean": [True, False],
    "integer": np.array([1, -2], dtype=np.int32),
    "long": np.array([1, 2**60], dtype=np.int64),
    "float": np.array([0.1, 2], dtype=np.float32),
    "double": [0.1, 2.0],
    "string": ["a", "ö"],
    "datetime": pd.to_datetime(["2026-01-01 12:34:56.789", "1999-12-31 00:00:00.000"]),
    "binary": [b"\x00\xff", b"ab"],
}
for column, cells in values.items():
    pd.DataFrame({"x": cells}).to_parquet(os.path.join(tables, f"{column}.parquet"))

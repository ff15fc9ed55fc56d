"""Saves every estimator of scikit-learn, models of XGBoost and LightGBM, and models with custom code, as clients save them.
Prints the estimators, and the names that joblib imports when it loads each of its files."""

import json
import pathlib
import pickle
import sys
import warnings

import cloudpickle
import joblib
import mlflow
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from sklearn.utils import all_estimators

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
features = np.abs(random.normal(size=(40, 4)))
labels = (features[:, 0] > np.median(features[:, 0])).astype(int)
amounts = features[:, 0] + 0.1 * random.normal(size=40)
texts = [f"word{n % 5} other{n % 3}" for n in range(40)]

INNER = {"estimator", "base_estimator", "estimators", "transformers", "steps", "transformer_list"}


def made(kind):
    """Returns an instance with its required arguments."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    name = kind.__name__
    given = {
        "ColumnTransformer": {"transformers": [("scale", StandardScaler(), [0, 1])]},
        "FeatureUnion": {"transformer_list": [("scale", StandardScaler())]},
        "Pipeline": {"steps": [("scale", StandardScaler()), ("model", LogisticRegression())]},
        "VotingClassifier": {"estimators": [("one", LogisticRegression()), ("two", DecisionTreeClassifier())]},
        "StackingClassifier": {"estimators": [("one", LogisticRegression()), ("two", DecisionTreeClassifier())]},
        "VotingRegressor": {"estimators": [("one", Ridge()), ("two", Ridge(2.0))]},
        "StackingRegressor": {"estimators": [("one", Ridge()), ("two", Ridge(2.0))]},
        "GridSearchCV": {"estimator": Ridge(), "param_grid": {"alpha": [1.0, 2.0]}},
        "RandomizedSearchCV": {"estimator": Ridge(), "param_distributions": {"alpha": [1.0, 2.0]}, "n_iter": 2},
        "HalvingGridSearchCV": {"estimator": Ridge(), "param_grid": {"alpha": [1.0, 2.0]}},
        "HalvingRandomSearchCV": {"estimator": Ridge(), "param_distributions": {"alpha": [1.0, 2.0]}},
        "SparseCoder": {"dictionary": features[:4]},
        "OutputCodeClassifier": {"estimator": LogisticRegression()},
        "FunctionTransformer": {"func": np.log1p},
    }.get(name)
    if given is not None:
        return kind(**given)
    try:
        return kind()
    except TypeError:
        for inner in (LogisticRegression(), Ridge()):
            for key in ("estimator", "base_estimator", "regressor"):
                try:
                    return kind(**{key: inner})
                except TypeError:
                    continue
        raise


def fitted(kind):
    model = made(kind)
    for given in ((features, labels), (features, amounts), (features,), (texts, labels), (texts,), (features, np.c_[labels, 1 - labels])):
        try:
            return model.fit(*given)
        except Exception:
            continue
    # Not all can be fitted with this data; unfitted ones can be saved too.
    return model


class RecordingUnpickler(joblib.numpy_pickle.NumpyUnpickler):
    def find_class(self, module, name):
        self.names.append([module, name])
        return super().find_class(module, name)


names_by_file = {}


def save_by_joblib(name, value, protocol=None):
    path = folder / f"{name}.joblib"
    joblib.dump(value, path, protocol=protocol)
    with open(path, "rb") as file:
        loader = RecordingUnpickler(str(path), file, True)
        loader.names = []
        loader.load()
    names_by_file[path.name] = loader.names
    joblib.dump(value, folder / f"{name}-zlib.joblib", compress=3, protocol=protocol)
    joblib.dump(value, folder / f"{name}-gzip.joblib", compress=("gzip", 3), protocol=protocol)


def save(name, value):
    (folder / f"{name}.pkl").write_bytes(pickle.dumps(value))
    (folder / f"{name}-cloud.pkl").write_bytes(cloudpickle.dumps(value))
    save_by_joblib(name, value)


estimators = []
for name, kind in all_estimators():
    try:
        save(f"sklearn-{name}", fitted(kind))
        estimators.append(name)
    except Exception as error:  # One that cannot be created is reported.
        print(f"{name}: {error!r}", file=sys.stderr)

import lightgbm
import xgboost

frame = pd.DataFrame(features, columns=list("abcd"))
save("lightgbm-classifier", lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(frame, labels))
save("lightgbm-regressor", lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(frame, amounts))
save("lightgbm-booster", lightgbm.train({"verbose": -1}, lightgbm.Dataset(features, amounts), 2))
save("xgboost-classifier", xgboost.XGBClassifier(n_estimators=2).fit(frame, labels))
save("xgboost-regressor", xgboost.XGBRegressor(n_estimators=2).fit(frame, amounts))
save("xgboost-booster", xgboost.train({}, xgboost.DMatrix(features, amounts), 2))

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def squares(values):
    import os

    return values**2 if os.sep else values


class Doubled(mlflow.pyfunc.PythonModel):
    def __init__(self, factor):
        self.factor = factor
        self.compiled = __import__("re").compile("a+")

    def predict(self, context, model_input, params=None):
        return np.asarray(model_input)[:, 0] * self.factor


pipeline = make_pipeline(FunctionTransformer(lambda x: x + 1), StandardScaler(), HistGradientBoostingRegressor(max_iter=2))
save_cloud = {"own-pipeline": pipeline.fit(features, amounts), "own-function": squares, "own-model": Doubled(2), "own-class": Doubled}
for name, value in save_cloud.items():
    (folder / f"{name}-cloud.pkl").write_bytes(cloudpickle.dumps(value))

arrays = {
    "structured": np.array([(1, 2.0, ("a", "b"))], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3", (2,))]),
    "texts": np.array(["a", "bb", ""]),
    "bytes": np.array([b"x"]),
    "days": np.array(["2020"], dtype="M8[D]"),
    "durations": np.array([1], dtype="m8[s]"),
    "booleans": np.array([True]),
    "half": np.float16([1]),
    "other-order": np.array([1], dtype=">i4"),
    "raw": np.zeros(3, dtype="V5"),
    "scalar": np.array(5.0),
    "empty": np.zeros((0, 5)),
    "fortran": np.asfortranarray(np.ones((3, 4))),
    "matrix": np.matrix([[1, 2]]),
    "complex": np.complex64([1]),
    "large": np.arange(100_000.0),
    "objects": np.array(["a", None, "a"], dtype=object),
    "structured-objects": np.array([(1, "a")], dtype=[("a", "i4"), ("b", "O")]),
    "nested": np.array([np.arange(3), np.arange(4)], dtype=object),
    "frame": pd.DataFrame({"a": ["x", "y"], "b": pd.to_datetime(["2020", "2021"]).tz_localize("Europe/Berlin"), "c": pd.Categorical(["u", "v"])}),
}
for name, value in arrays.items():
    for protocol in (2, 3, 4, 5):
        for form, held in {"one": value, "two": [value, value], "keyed": {"x": value, "y": 1, "z": value}}.items():
            save_by_joblib(f"array-{name}-{form}-{protocol}", held, protocol)
# Estimators that were fitted on columns with names start with an array of objects.
named = pd.DataFrame({"carrier": ["a", "b"] * 20, "delay": features[:, 0]})
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

columns = make_column_transformer((OneHotEncoder(), ["carrier"]), remainder="passthrough")
save("own-columns", make_pipeline(columns, LogisticRegression()).fit(named, np.where(labels, "late", "early").astype(object)))

# As MLflow saves them: manifest, environment, example and model.
mlflow.sklearn.save_model(HistGradientBoostingRegressor(max_iter=2).fit(frame, amounts), folder / "mlflow-sklearn", serialization_format="cloudpickle", pip_requirements=["scikit-learn"], input_example=frame[:2])
mlflow.sklearn.save_model(made(HistGradientBoostingRegressor).fit(frame, amounts), folder / "mlflow-pickle", serialization_format="pickle", pip_requirements=["scikit-learn"])
mlflow.sklearn.save_model(StandardScaler().fit(frame), folder / "mlflow-skops", serialization_format="skops", pip_requirements=["scikit-learn"])
mlflow.pyfunc.save_model(folder / "mlflow-pyfunc", python_model=Doubled(3), pip_requirements=["numpy"])
code = folder / "code"
code.mkdir()
(code / "own_loader.py").write_text("def _load_pyfunc(path):\n    raise NotImplementedError\n")
mlflow.pyfunc.save_model(folder / "mlflow-loader", loader_module="own_loader", data_path=str(code / "own_loader.py"), code_paths=[str(code / "own_loader.py")], pip_requirements=["numpy"])


# Malicious files: they are never loaded.
class Reduced:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


import builtins
import ctypes
import functools
import importlib
import operator
import os
import pathlib as paths
import runpy
import shutil
import socket
import subprocess
import webbrowser

hostile = {
    "os-system": (os.system, ("true",)),
    "popen": (subprocess.Popen, (["true"],)),
    "check-output": (subprocess.check_output, (["true"],)),
    "eval": (builtins.eval, ("1",)),
    "exec": (builtins.exec, ("pass",)),
    "compile": (builtins.compile, ("pass", "x", "exec")),
    "open": (builtins.open, ("/dev/null",)),
    "import": (builtins.__import__, ("os",)),
    "import-module": (importlib.import_module, ("os",)),
    "socket": (socket.create_connection, (("127.0.0.1", 9),)),
    "rmtree": (shutil.rmtree, ("/nonexistent",)),
    "run-path": (runpy.run_path, ("/nonexistent",)),
    "browser": (webbrowser.open, ("about:blank",)),
    "ctypes": (ctypes.CDLL, ("libc.so.6",)),
    "partial": (functools.partial(os.system, "true"), ()),
    "method": (operator.methodcaller("unlink"), (paths.Path("/nonexistent"),)),
    "numpy-load": (np.load, ("/nonexistent",)),
    "pandas-read": (pd.read_pickle, ("/nonexistent",)),
    "pandas-eval": (pd.eval, ("1",)),
    "joblib-load": (joblib.load, ("/nonexistent",)),
}
for name, parts in hostile.items():
    (folder / f"hostile-{name}.pkl").write_bytes(pickle.dumps(Reduced(*parts)))
own = lambda: os.system("true")  # noqa: E731
(folder / "hostile-own-call.pkl").write_bytes(cloudpickle.dumps(Reduced(own, ())))
(folder / "hostile-in-model.pkl").write_bytes(cloudpickle.dumps({"model": Doubled(2), "more": Reduced(os.system, ("true",))}))
for name, value in {
    "alone": Reduced(os.system, ("true",)),
    "behind-array": [np.arange(5.0), Reduced(os.system, ("true",))],
    "in-array": np.array([Reduced(os.system, ("true",))], dtype=object),
    "in-field": np.array([(1, Reduced(os.system, ("true",)))], dtype=[("a", "i4"), ("b", "O")]),
    "in-model": [LogisticRegression().fit(features, labels), {"more": Reduced(os.system, ("true",))}],
}.items():
    for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        how = compress[0] if compress else "plain"
        joblib.dump(value, folder / f"hostile-{name}-{how}.joblib", compress=compress)
# An array that `pickle.load` would execute and joblib steps over.
hidden = pickle.dumps(Reduced(os.system, ("true",)), protocol=2)
joblib.dump(np.frombuffer(hidden, dtype=np.uint8), folder / "hostile-in-bytes.joblib")
shown = (folder / "hostile-in-bytes.joblib").read_bytes().replace(b"\x8c\x1bnumpy_array_alignment_bytes\x94K\x10ub", b"\x8c\x1bnumpy_array_alignment_bytes\x94Nub")
at = shown.index(hidden)
frame = int.from_bytes(shown[3:11], "little") - 1
shown = shown[:3] + frame.to_bytes(8, "little") + shown[11 : 11 + frame] + hidden + shown[at + len(hidden) :]
(folder / "hostile-in-bytes.joblib").write_bytes(shown)
np.save(folder / "hostile-array.npy", np.array([Reduced(os.system, ("true",))], dtype=object), allow_pickle=True)
print(json.dumps({"estimators": estimators, "names": names_by_file}))

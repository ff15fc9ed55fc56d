"""Writes ONNX files for the test of the static bounds: models of the exporters, and one model for each case of the standard.

Usage: make_graphs.py FOLDER. It prints {"models": [...], "cases": [...]} as JSON.
"""

import json
import pathlib
import sys

import lightgbm
import numpy as np
import onnx
import onnxmltools
import sklearn
import xgboost
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnxmltools.convert.common.data_types import FloatTensorType as MlToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
X = random.normal(size=(300, 8)).astype(np.float32)
binary = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
classes = np.digitize(X[:, 0], [-0.5, 0.5]).astype(np.int64)
target = (X[:, 0] * 3 + X[:, 1]).astype(np.float32)

ESTIMATORS = {
    "linear": (LinearRegression(), target),
    "logistic": (LogisticRegression(), binary),
    "multinomial": (LogisticRegression(), classes),
    "sgd": (SGDClassifier(loss="log_loss"), classes),
    "tree": (DecisionTreeClassifier(max_depth=5), classes),
    "forest": (RandomForestClassifier(50, max_depth=8), classes),
    "forest-regressor": (RandomForestRegressor(50, max_depth=8), target),
    "extra-trees": (ExtraTreesRegressor(20), target),
    "boosting": (GradientBoostingClassifier(n_estimators=30), classes),
    "boosting-regressor": (GradientBoostingRegressor(n_estimators=30), target),
    "ada-boost": (AdaBoostClassifier(n_estimators=10), binary),
    "voting": (VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft", flatten_transform=False), classes),
    "svc": (SVC(probability=True), classes),
    "svr": (SVR(), target),
    "k-means": (KMeans(5, n_init=1), None),
    "gaussian-nb": (GaussianNB(), classes),
    "bernoulli-nb": (BernoulliNB(), classes),
    "mlp": (MLPClassifier(hidden_layer_sizes=(32, 16), max_iter=30), classes),
    "mlp-regressor": (MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=30), target),
    "gaussian-process": (GaussianProcessRegressor(), target),
    "k-nearest": (KNeighborsClassifier(5), classes),
    "k-nearest-regressor": (KNeighborsRegressor(5), target),
    "pca": (make_pipeline(StandardScaler(), PCA(3), LogisticRegression()), classes),
    "polynomial": (make_pipeline(StandardScaler(), PolynomialFeatures(3), LogisticRegression(max_iter=500)), classes),
    "imputer": (make_pipeline(SimpleImputer(), MinMaxScaler(), Normalizer(), LogisticRegression()), classes),
    "bins": (make_pipeline(KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), LogisticRegression()), classes),
}
written = []


def write(name, model, shapes):
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    names = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for output in node.output:
            if output and output not in names:
                model.graph.output.append(onnx.ValueInfoProto(name=output))
                names.add(output)
    (folder / f"{name}.exposed.onnx").write_bytes(model.SerializeToString())
    written.append({"name": name, "inputs": shapes, "outputs": sorted(names)})


for name, (estimator, labels) in ESTIMATORS.items():
    estimator.fit(X, labels)
    plain = {} if not sklearn.base.is_classifier(estimator) else {"options": {id(estimator): {"zipmap": False}}}
    write(name, to_onnx(estimator, X[:1], **plain), {"X": ["FP32", X.shape[1]]})

words = np.array([["red", "small"], ["blue", "large"], ["green", "small"]] * 100)
columns = {"number": X[:, :2], "text": words}
encoder = ColumnTransformer(
    [("numbers", StandardScaler(), [0, 1]), ("one-hot", OneHotEncoder(handle_unknown="ignore"), [2, 3])]
)
mixed = make_pipeline(encoder, LogisticRegression())
mixed.fit(np.concatenate([X[:, :2].astype(object), words.astype(object)], axis=1), binary)
write(
    "columns",
    to_onnx(
        mixed,
        initial_types=[("number", FloatTensorType([None, 2])), ("text", StringTensorType([None, 2]))],
        options={id(mixed): {"zipmap": False}},
    ),
    {"number": ["FP32", 2], "text": ["BYTES", 2]},
)
ordinal = make_pipeline(OrdinalEncoder(), DecisionTreeClassifier(max_depth=3)).fit(words, binary)
write(
    "ordinal",
    to_onnx(
        ordinal,
        initial_types=[("text", StringTensorType([None, 2]))],
        options={id(ordinal): {"zipmap": False}},
    ),
    {"text": ["BYTES", 2]},
)

types = [("X", MlToolsFloat([None, X.shape[1]]))]
for name, model, convert in [
    ("lightgbm", lightgbm.LGBMClassifier(n_estimators=20, verbose=-1), onnxmltools.convert_lightgbm),
    ("lightgbm-regressor", lightgbm.LGBMRegressor(n_estimators=20, verbose=-1), onnxmltools.convert_lightgbm),
    ("xgboost", xgboost.XGBClassifier(n_estimators=20), onnxmltools.convert_xgboost),
    ("xgboost-regressor", xgboost.XGBRegressor(n_estimators=20), onnxmltools.convert_xgboost),
]:
    model.fit(X, target if name.endswith("regressor") else classes)
    plain = {"zipmap": False} if name == "lightgbm" else {}
    write(name, convert(model, initial_types=types, target_opset=15, **plain), {"X": ["FP32", X.shape[1]]})


def bytes_of(value):
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return 0
    array = np.asarray(value)
    if array.dtype.kind in "OU":
        return sum(len(str(item).encode()) for item in array.ravel())
    return array.nbytes


# Inputs that determine shapes are constants in the models of exporters: the cases have them as inputs.
cases = []
for case in collect_testcases(None):
    model = case.model
    if model is None or len(case.data_sets) != 1:
        continue
    (given, expected), graph = case.data_sets[0], model.graph
    for value, values in list(zip(graph.input, given))[1 if len(graph.input) > 1 else 0 :]:
        if isinstance(values, np.ndarray) and values.dtype == np.int64 and values.size <= 64 or (
            isinstance(values, np.ndarray) and value.name in ("scales", "max_output_boxes", "limit", "delta")
        ):
            graph.initializer.append(numpy_helper.from_array(values, value.name))
            graph.input.remove(value)
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = min(opset.version, 25)
    (folder / f"{case.name}.onnx").write_bytes(model.SerializeToString())
    cases.append({"name": case.name, "operator": graph.node[-1].op_type, "bytes": sum(map(bytes_of, expected))})

# PyTorch's own exports and large networks are included in the package, with their expected outputs.
data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
for path in sorted([*data.glob("pytorch-*/*/model.onnx"), *data.glob("light/*.onnx")]):
    name = path.parent.name if path.name == "model.onnx" else path.stem
    outputs = path.parent.glob("test_data_set_0/output_*.pb") if path.name == "model.onnx" else path.parent.glob(f"{path.stem}_output_*.pb")
    total = 0
    for output in outputs:
        total += bytes_of(onnx.TensorProto.FromString(output.read_bytes()))
    (folder / f"{name}.onnx").write_bytes(path.read_bytes())
    cases.append({"name": name, "operator": "network", "bytes": total})

print(json.dumps({"models": written, "cases": cases}))

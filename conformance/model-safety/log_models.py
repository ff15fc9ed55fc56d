"""Logs a model of each family in the arguments after the URL and the folder, as clients log them, and registers it.
Writes for each a request for an endpoint, and the predictions of MLflow for it."""

import json
import os
import pathlib
import sys
import warnings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import joblib
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

warnings.filterwarnings("ignore")
url, folder, names = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
mlflow.set_tracking_uri(url)
mlflow.set_registry_uri(url)
random = np.random.default_rng(7)
table = pd.DataFrame({"carrier": ["Northwind", "Meridian"] * 40, "delay": random.gamma(2, 8, 80), "hour": random.integers(5, 24, 80).astype(float)})
target = table["delay"] * 0.7 + 3 * (table["carrier"] == "Meridian") + table["hour"] / 10
numbers = table[["delay", "hour"]]
rows = table.head(5)
# Sufficient to load them; the same for all, so that they share an environment.
LIGHT = ["mlflow-skinny==3.17.2", "pandas==3.1.1", "scikit-learn==1.9.1", "cloudpickle==3.1.3", "xgboost-cpu==3.2.0", "lightgbm==4.7.0", "skops==0.16.0"]
DEEP = ["mlflow-skinny==3.17.2", "pandas==3.1.1", "cloudpickle==3.1.3", "catboost==1.2.10", "torch==2.15.0"]


def log(name, flavor, inputs, packages, **model):
    with mlflow.start_run():
        info = flavor.log_model(name="model", pip_requirements=packages, registered_model_name=name, **model)
    expected = mlflow.pyfunc.load_model(info.model_uri).predict(inputs)
    expected = expected.to_dict("records") if isinstance(expected, pd.DataFrame) else np.asarray(expected).tolist()
    body = {"dataframe_split": inputs.to_dict("split")} if isinstance(inputs, pd.DataFrame) else {"inputs": inputs.tolist()}
    (folder / f"{name}.json").write_text(json.dumps({"body": body, "expected": expected}))


def log_table(name, flavor, model, inputs, packages, **more):
    signature = infer_signature(inputs, model.predict(inputs))
    log(name, flavor, inputs.head(5), packages, signature=signature, input_example=inputs.head(2), **more)


def pipeline_of(estimator):
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = make_column_transformer((OneHotEncoder(sparse_output=False), ["carrier"]), remainder="passthrough")
    return make_pipeline(columns, estimator).fit(table, target)


def log_boosting():
    import mlflow.sklearn
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = pipeline_of(HistGradientBoostingRegressor(max_iter=10))
    log_table("boosting", mlflow.sklearn, model, table, LIGHT, sk_model=model, serialization_format="cloudpickle")


def log_xgboost():
    import mlflow.xgboost
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=5).fit(numbers, target)
    log_table("xgboost", mlflow.xgboost, model, numbers, LIGHT, xgb_model=model)


def log_lightgbm():
    import lightgbm
    import mlflow.lightgbm

    model = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(numbers, target)
    log_table("lightgbm", mlflow.lightgbm, model, numbers, LIGHT, lgb_model=model)


class FromJoblib(mlflow.pyfunc.PythonModel):
    """Reads an estimator that joblib saved."""

    def load_context(self, context):
        self.estimator = joblib.load(context.artifacts["estimator"])

    def predict(self, context, model_input, params=None):
        return self.estimator.predict(model_input)


def log_joblib():
    from sklearn.ensemble import RandomForestRegressor

    model = pipeline_of(RandomForestRegressor(n_estimators=5))
    path = folder / "estimator.joblib"
    joblib.dump(model, path, compress=3)
    python = {"python_model": FromJoblib(), "artifacts": {"estimator": str(path)}}
    log_table("joblib", mlflow.pyfunc, model, table, LIGHT, **python)


OWN_CODE = '''
import os
import socket


def isolation(path, address):
    """What a model reaches: a file of somebody else, and an address on this machine."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        connected = True
    except OSError:
        connected = False
    return {"reads": os.path.exists(path), "connects": connected}
'''


class Own(mlflow.pyfunc.PythonModel):
    """Uses a custom module, which is logged with it."""

    def predict(self, context, model_input, params=None):
        from own_code import isolation

        return pd.DataFrame([isolation(row.path, row.address) for row in model_input.itertuples()])


def log_own():
    package = folder / "own_code"
    package.mkdir()
    (package / "__init__.py").write_text(OWN_CODE)
    sys.path.insert(0, str(folder))
    inputs = pd.DataFrame({"path": [str(package / "__init__.py")], "address": [url.removeprefix("http://")]})
    signature = infer_signature(inputs, pd.DataFrame({"reads": [True], "connects": [True]}))
    log("own", mlflow.pyfunc, inputs, LIGHT, python_model=Own(), code_paths=[str(package)], signature=signature)


def log_catboost():
    import catboost
    import mlflow.catboost

    model = catboost.CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False, cat_features=["carrier"])
    log_table("catboost", mlflow.catboost, model.fit(table, target), table, DEEP, cb_model=model)


def log_torch(name, model, inputs, **more):
    import mlflow.pytorch
    import torch

    model.eval()
    signature = infer_signature(inputs, model(torch.from_numpy(inputs)).detach().numpy())
    log(name, mlflow.pytorch, inputs, DEEP, pytorch_model=model, signature=signature, input_example=inputs, **more)


def image_model():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1),
        nn.ModuleList([nn.AdaptiveAvgPool2d(1)])[0], nn.Flatten(), nn.Linear(8, 2), nn.Softmax(dim=1),
    )


def text_model():
    import torch
    from torch import nn

    class Classifier(nn.Module):
        """A custom module with layers for sequences."""

        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 8)
            self.layers = nn.ModuleList([nn.LSTM(8, 8, batch_first=True), nn.GRU(8, 8, batch_first=True)])
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
            self.head = nn.Linear(8, 2)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            values = self.embedding(tokens.long())
            for layer in self.layers:
                values, _ = layer(values)
            return self.head(self.encoder(values).mean(dim=1))

    torch.manual_seed(7)
    return Classifier()


IMAGES = random.normal(size=(4, 3, 8, 8)).astype(np.float32)
TOKENS = random.integers(0, 10, size=(4, 6)).astype(np.float32)


def log_images_pickle():
    log_torch("images-pickle", image_model(), IMAGES, serialization_format="pickle")


def log_images_pt2():
    log_torch("images-pt2", image_model(), IMAGES, serialization_format="pt2")


def log_images_script():
    import torch

    log_torch("images-script", torch.jit.script(image_model().eval()), IMAGES, serialization_format="pickle")


def log_texts_pickle():
    log_torch("texts-pickle", text_model(), TOKENS, serialization_format="pickle")


def log_texts_pt2():
    log_torch("texts-pt2", text_model(), TOKENS, serialization_format="pt2")


for name in names:
    globals()[f"log_{name.replace('-', '_')}"]()

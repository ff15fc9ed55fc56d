"""Trains a small model of each flavor in the arguments after the folder, saves it there with MLflow, and writes its
inputs and the predictions of MLflow."""

import json
import os
import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_iris

FOLDER, NAMES = sys.argv[1], sys.argv[2:]
iris = load_iris(as_frame=True)
table = iris.data.set_axis(["a", "b", "c", "d"], axis=1)
target = iris.target.astype("float64")
rows = table.iloc[::10].reset_index(drop=True)
matrix = table.to_numpy(dtype=np.float32)


def save(name, flavour, model, inputs, **more):
    path = os.path.join(FOLDER, name)
    flavour.save_model(model, path=path, pip_requirements=["mlflow"], **more)
    # With the permissions of Dais: safetensors makes its files readable only for their owner.
    for folder, _, files in os.walk(path):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o444)
    expected = mlflow.pyfunc.load_model(path).predict(inputs)
    if isinstance(inputs, pd.DataFrame):
        body = {"dataframe_split": inputs.to_dict("split")}
    else:
        body = {"inputs": inputs if isinstance(inputs, list) else inputs.tolist()}
    # MLflow names the single output of an ONNX model for an array, and not for a table; Dais never does.
    if isinstance(expected, dict) and len(expected) == 1:
        (expected,) = expected.values()
    with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump({"body": body, "expected": plain(expected)}, file)


def plain(value):
    if isinstance(value, pd.DataFrame):
        return value.to_dict("records")
    if isinstance(value, (np.ndarray, pd.Series)):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def of_sklearn():
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(n_estimators=20, random_state=1).fit(table, target)
    save("sklearn", mlflow.sklearn, model, rows, signature=infer_signature(table, target), serialization_format="cloudpickle")


def of_xgboost():
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=20, random_state=1).fit(table, target)
    save("xgboost", mlflow.xgboost, model, rows, signature=infer_signature(table, model.predict(table)))


def of_lightgbm():
    import lightgbm

    model = lightgbm.LGBMRegressor(n_estimators=20, random_state=1, verbose=-1).fit(table, target)
    save("lightgbm", mlflow.lightgbm, model, rows, signature=infer_signature(table, model.predict(table)))


class Nearest(mlflow.pyfunc.PythonModel):
    """Predicts the mean of the three nearest training rows."""

    def fit(self, inputs, targets):
        self.inputs, self.targets = inputs.to_numpy(), targets.to_numpy()
        return self

    def predict(self, context, model_input, params=None):
        apart = ((model_input.to_numpy()[:, None, :] - self.inputs[None]) ** 2).sum(axis=2)
        return self.targets[np.argsort(apart, axis=1, kind="stable")[:, :3]].mean(axis=1)


class Pyfunc:
    @staticmethod
    def save_model(model, **more):
        mlflow.pyfunc.save_model(python_model=model, **more)


def of_pyfunc():
    save("pyfunc", Pyfunc, Nearest().fit(table, target), rows, signature=infer_signature(table, target))


def of_onnx():
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(n_estimators=10, random_state=1).fit(matrix, target)
    signature = infer_signature(matrix, {"variable": model.predict(matrix).astype(np.float32).reshape(-1, 1)})
    save("onnx", mlflow.onnx, to_onnx(model, matrix[:1], target_opset=17), matrix[::10], signature=signature)


def of_pytorch():
    import torch

    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    inputs, targets = torch.from_numpy(matrix), torch.tensor(target.to_numpy(), dtype=torch.float32)[:, None]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    expected = model(inputs).detach().numpy()
    # The format of every version of MLflow; the newest one's default requires an example for tracing.
    how = {"signature": infer_signature(matrix, expected), "serialization_format": "pickle"}
    save("pytorch", mlflow.pytorch, model, matrix[::10], **how)


def of_tensorflow():
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(matrix, target, epochs=5, verbose=0)
    expected = model.predict(matrix, verbose=0)
    save("tensorflow", mlflow.tensorflow, model, matrix[::10], signature=infer_signature(matrix, expected))


def of_transformers():
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

    words = ["late", "early", "flight", "the", "was", "on", "time", "is"]
    vocabulary = os.path.join(FOLDER, "vocabulary.txt")
    with open(vocabulary, "w", encoding="utf-8") as file:
        file.write("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    tokenizer = BertTokenizerFast(vocabulary)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words) + 5,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        id2label={0: "late", 1: "early"},
        label2id={"late": 0, "early": 1},
    )
    model = BertForSequenceClassification(config)
    texts = ["the flight was late", "the flight was early"]
    tokens = tokenizer(texts, return_tensors="pt", padding=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        model(**tokens, labels=torch.tensor([0, 1])).loss.backward()
        optimizer.step()
    model.eval()
    classifier = pipeline("text-classification", model=model, tokenizer=tokenizer)
    inputs = [*texts, "the flight is on time"]
    signature = infer_signature(inputs, pd.DataFrame({"label": ["late"], "score": [0.5]}))
    save("transformers", mlflow.transformers, classifier, inputs, signature=signature)


for name in NAMES:
    globals()[f"of_{name}"]()

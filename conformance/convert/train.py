"""Trains models of the three convertible kinds, registers them, and writes their predictions for 200 rows.

Writes JSON: for every model its rows as a body of `/invocations`, and the results of its `predict`. Models without a
prediction cannot be converted, each for a different reason.
"""

import json
import os
import sys
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
ROWS = 800
SAMPLE_ROWS = 200
# One environment for all of them.
REQUIREMENTS = ["mlflow==3.17.2", "scikit-learn==1.9.1", "xgboost-cpu==3.2.0", "lightgbm==4.7.0", "cloudpickle==3.1.3"]

random = np.random.default_rng(20261127)


def flights(rows):
    return pd.DataFrame(
        {
            "hour": random.integers(0, 24, rows),
            "distance": random.gamma(2, 300, rows),
            "departure delay": random.normal(5, 20, rows),
            "carrier": random.choice(["AA", "DL", "UA", "B6"], rows),
        }
    )


def late(table):
    noise = random.normal(0, 2, len(table))
    return 0.01 * table["distance"] + 0.9 * table["departure delay"] + 5 * (table["carrier"] == "UA") + noise


def by_column():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("n", numbers, ["hour", "distance", "departure delay"]), ("c", encoder, ["carrier"])])


def models(table, minutes):
    numbers = table[["hour", "distance", "departure delay"]]
    words = np.where(minutes > minutes.median(), "late", "on time")
    third = pd.qcut(minutes, 3, labels=False).to_numpy()
    boosting = Pipeline([("p", by_column()), ("m", GradientBoostingRegressor(n_estimators=40, random_state=0))])
    yield "minutes", mlflow.sklearn, boosting.fit(table, minutes), table
    logistic = Pipeline([("p", by_column()), ("m", LogisticRegression(max_iter=1000))])
    yield "late", mlflow.sklearn, logistic.fit(table, words), table
    forest = RandomForestClassifier(20, random_state=0)
    yield "thirds", mlflow.sklearn, forest.fit(numbers.to_numpy(), third), numbers.to_numpy()
    yield "boosted", mlflow.xgboost, xgboost.XGBClassifier(n_estimators=20).fit(numbers, third), numbers
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(numbers, label=words == "late"), 20)
    yield "booster", mlflow.xgboost, booster, numbers
    light = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1)
    yield "light", mlflow.lightgbm, light.fit(numbers, minutes), numbers
    steps = [("s", StandardScaler()), ("m", KernelRidge())]
    yield "unknown", mlflow.sklearn, Pipeline(steps).fit(numbers, minutes), numbers


def predict(model, rows):
    return model.predict(xgboost.DMatrix(rows)) if isinstance(model, xgboost.Booster) else model.predict(rows)


def main(url, into):
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    mlflow.set_experiment("converted")
    table = flights(ROWS)
    results = {}
    for name, flavor, model, rows in models(table, late(table)):
        more = {"serialization_format": "cloudpickle"} if flavor.__name__ == "mlflow.sklearn" else {}
        with mlflow.start_run():
            info = flavor.log_model(
                model,
                name="model",
                signature=infer_signature(rows, predict(model, rows)),
                input_example=rows[:5],
                pip_requirements=REQUIREMENTS,
                registered_model_name=name,
                **more,
            )
        sample = rows[:SAMPLE_ROWS]
        original = mlflow.pyfunc.load_model(info.model_uri)
        table = hasattr(sample, "to_json")
        body = {"dataframe_split": json.loads(sample.to_json(orient="split"))} if table else {"inputs": sample.tolist()}
        results[name] = {"body": body, "predictions": np.asarray(original.predict(sample)).tolist()}
        if name == "late":
            probabilities = mlflow.sklearn.load_model(info.model_uri).predict_proba(sample)
            results[name]["probabilities"] = probabilities.tolist()
    with open(into, "w") as file:
        json.dump(results, file)


main(*sys.argv[1:])

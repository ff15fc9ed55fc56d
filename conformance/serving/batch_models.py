"""Registers models for batch predictions: of texts, times and missing values; of several outputs; of scikit-learn."""

import os
import sys
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# Sufficient to load them, and a sixth of the size of a full MLflow installation.
REQUIREMENTS = ["mlflow-skinny==3.17.2", "pandas<4", "scikit-learn==1.9.1", "cloudpickle==3.1.3"]


class Flights(mlflow.pyfunc.PythonModel):
    """A table of five columns with different types; where `delay` is missing, derived columns are missing too."""

    def predict(self, context, model_input, params=None):
        delay = model_input["delay"]
        gaps = delay.isna()
        notes = model_input["note"] if "note" in model_input else pd.Series([None] * len(delay))
        return pd.DataFrame(
            {
                "greeting": model_input["carrier"] + "/" + notes.astype(object).where(notes.notna(), "-"),
                "day": model_input["at"].dt.floor("D").where(~gaps),
                "score": delay * 2,
                "late": pd.Series(delay > 10, dtype=object).where(~gaps, None),
                "rank": model_input["hour"].astype("Int64").where(~gaps, pd.NA),
            }
        )


class Parts(mlflow.pyfunc.PythonModel):
    """Arrays by name, one of them with three numbers a row."""

    def predict(self, context, model_input, params=None):
        hour = model_input["hour"].to_numpy()
        parts = np.stack([hour, hour * 2, hour * 3], axis=1).astype(np.float32)
        return {"label": [f"h{value}" for value in hour], "parts": parts}


def of(*columns):
    return Schema([ColSpec(type, name, required=name != "note") for name, type in columns])


def log(name, flavor, **model):
    with mlflow.start_run():
        flavor.log_model(name="model", pip_requirements=REQUIREMENTS, registered_model_name=name, **model)


def main(url):
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    mlflow.set_experiment("batches")
    takes = of(("carrier", "string"), ("at", "datetime"), ("hour", "long"), ("delay", "double"), ("note", "string"))
    gives = of(("greeting", "string"), ("day", "datetime"), ("score", "double"), ("late", "boolean"), ("rank", "long"))
    moment = pd.Timestamp("2026-05-01 12:00")
    example = pd.DataFrame({"carrier": ["LH"], "at": [moment], "hour": [1], "delay": [2.0], "note": ["n"]})
    flights = ModelSignature(takes, gives)
    log("flights", mlflow.pyfunc, python_model=Flights(), signature=flights, input_example=example)
    arrays = Schema([TensorSpec(np.dtype("str"), (-1,), "label"), TensorSpec(np.dtype("float32"), (-1, 3), "parts")])
    log("parts", mlflow.pyfunc, python_model=Parts(), signature=ModelSignature(of(("hour", "long")), arrays))
    table = pd.DataFrame({"hour": np.arange(24), "delay": np.linspace(0.0, 23.0, 24)})
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e6)).fit(table, np.where(table["hour"] > 11, "pm", "am"))
    halves = ModelSignature(of(("hour", "long"), ("delay", "double")), Schema([ColSpec("string")]))
    log("halves", mlflow.sklearn, sk_model=model, signature=halves, serialization_format="cloudpickle")


main(*sys.argv[1:])

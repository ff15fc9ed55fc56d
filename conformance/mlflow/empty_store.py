"""Makes an empty store in the database that MLFLOW_TRACKING_URI names: what `mlflow experiments search` does too."""

from mlflow import MlflowClient

MlflowClient().search_experiments()

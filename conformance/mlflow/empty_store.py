"""Creates an empty store in the database at MLFLOW_TRACKING_URI, as `mlflow experiments search` does."""

from mlflow import MlflowClient

MlflowClient().search_experiments()

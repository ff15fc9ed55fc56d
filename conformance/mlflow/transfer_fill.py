"""Fills the server at MLFLOW_TRACKING_URI with examples of everything that can be transferred to another one."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.entities import Metric
from transfer_fill_traces import fill

FIRST = 1_700_000_000_000
client = MlflowClient()


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]):
        return model_input


def train(number, dataset):
    with mlflow.start_run(run_name=f"training {number}") as run:
        mlflow.log_params({"depth": number, "rate": "0.1", "long": "ü" * 5000})
        mlflow.set_tags({"team": "air", "größe": "α"})
        # More than one page of a history, more than one chunk.
        for start in range(0, 2500, 500):
            points = [Metric("loss", 1 / (step + 1), FIRST + step * 10, step) for step in range(start, start + 500)]
            client.log_batch(run.info.run_id, metrics=points)
        for step, value in [(0, float("nan")), (1, float("inf")), (-5, -3.0), (1, 7.0)]:
            mlflow.log_metric("odd", value, step=step)
        mlflow.log_input(dataset, context="training")
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "sub").mkdir()
            (root / "sub" / "ä b%20.bin").write_bytes(os.urandom(300_000))
            (root / "n.txt").write_text(f"run {number}")
            (root / "empty").write_bytes(b"")
            mlflow.log_artifacts(folder, "files")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("m", number)


def register(dataset):
    with mlflow.start_run(run_name="makes models") as run:
        for _ in range(3):
            info = mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name="delay")
        mlflow.log_metric("accuracy", 0.9, step=1, model_id=info.model_id, dataset=dataset)
    client.update_registered_model("delay", "Predicts delays")
    client.set_registered_model_tag("delay", "team", "air")
    client.set_model_version_tag("delay", "3", "checked", "yes")
    client.update_model_version("delay", "3", "The third")
    client.transition_model_version_stage("delay", "1", "Production")
    client.delete_model_version("delay", "2")
    client.set_registered_model_alias("delay", "champion", "1")
    client.set_registered_model_alias("delay", "challenger", "3")
    client.create_model_version("delay", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.copy_model_version("models:/delay/1", "a copy")


def main():
    dataset = mlflow.data.from_numpy(numpy.arange(4), name="numbers")
    mlflow.set_experiment("flights")
    client.set_experiment_tag(mlflow.get_experiment_by_name("flights").experiment_id, "owner", "ada")
    for number in range(3):
        train(number, dataset)
    register(dataset)
    gone = client.create_experiment("gone", tags={"a": "b"})
    client.create_run(gone, run_name="gone with it")
    client.delete_experiment(gone)
    failed = client.create_run("0", run_name="in the default experiment")
    client.set_terminated(failed.info.run_id, "FAILED")
    client.create_run("0", run_name="still running")
    deleted = client.create_run("0", run_name="deleted")
    client.log_metric(deleted.info.run_id, "m", 1)
    client.delete_run(deleted.info.run_id)
    mlflow.genai.register_prompt(name="greet", template="Hello {{name}}", tags={"team": "air"})
    fill(client.create_experiment("traced"), mlflow.get_experiment_by_name("flights").experiment_id)


if __name__ == "__main__":
    main()

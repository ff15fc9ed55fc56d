"""Compares two servers through the client: `transfer_compare.py A B [ids|names]`.

Traces have the same ids on both. With `ids`, runs and logged models have the same ids on both; with `names` they are
found by their names, and times that a server sets are not compared. Experiment ids can always differ. Prints one JSON
object: the number of compared values, and every difference.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

import mlflow
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import ViewType
from transfer_compare_traces import datasets, scorers, traces

PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"


class ServerContent:
    """The content of a server, with server-specific values normalized."""

    def __init__(self, uri, by_ids):
        self.uri = uri
        self.by_ids = by_ids
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.counts = {
            "runs": 0, "points": 0, "files": 0, "bytes": 0, "models": 0, "versions": 0,
            "traces": 0, "spans": 0, "assessments": 0, "datasets": 0, "records": 0, "scorers": 0,
        }
        self.experiments = {}
        self.run_ids = {}
        self.prompts = []
        self.ids = {}

    def everything(self):
        content = {}
        experiments = self.client.search_experiments(view_type=ViewType.ALL)
        for experiment in experiments:
            content[f"experiment {experiment.name}"] = self.experiment(experiment)
        self.experiments = {one.experiment_id: one.name for one in experiments}
        for experiment in experiments:
            self.runs(experiment, content)
            self.logged_models(experiment, content)
        self.registry(content)
        for experiment in experiments:
            traces(self, experiment, content)
            if experiment.lifecycle_stage == "active":
                scorers(self, experiment, content)
        datasets(self, content)
        return content

    def name(self, identifier):
        return identifier if self.by_ids else self.ids.get(identifier, identifier)

    def text(self, value):
        """A value that can contain ids of this server."""
        value = re.sub(r"mlflow-artifacts:/\d+/", "mlflow-artifacts:/E/", value)
        if self.by_ids:
            return value
        for identifier, name in self.ids.items():
            value = value.replace(identifier, name)
        return re.sub(r"\b[0-9a-f]{32}\b", "ID", value)

    def pairs(self, values):
        # Prompts list their experiments by number; the tags of an export are its own.
        return {
            key: versions_in(value) if key == "mlflow.modelVersions" else self.text(value)
            for key, value in values.items()
            if key != "_mlflow_experiment_ids" and not key.startswith("dais.")
        }

    def times(self, **values):
        return values if self.by_ids else {}

    def experiment(self, one):
        return {
            "stage": one.lifecycle_stage,
            "tags": dict(one.tags),
            # The location of the default experiment is the server's own.
            **(self.times(created=one.creation_time) if one.experiment_id != "0" else {}),
        }

    def runs(self, experiment, content):
        token = None
        found = []
        while True:
            page = self.client.search_runs(
                [experiment.experiment_id], run_view_type=ViewType.ALL, max_results=100, page_token=token,
                order_by=["attributes.start_time ASC"],
            )
            found += page
            token = page.token
            if not token:
                break
        for run in found:
            self.ids[run.info.run_id] = f"run {run.info.run_name} {run.info.start_time}"
        self.run_ids[experiment.experiment_id] = [run.info.run_id for run in found]
        for run in found:
            self.counts["runs"] += 1
            content[f"{experiment.name} / {self.name(run.info.run_id)}"] = self.run(run)

    def run(self, run):
        identifier = run.info.run_id
        history = {}
        for key in run.data.metrics:
            points = self.client.get_metric_history(identifier, key)
            self.counts["points"] += len(points)
            history[key] = sorted(
                (point.timestamp, point.step, repr(point.value)) for point in points
            )
        inputs = [
            (one.dataset.name, one.dataset.digest, one.dataset.source_type, one.dataset.schema, one.dataset.profile,
             sorted((tag.key, tag.value) for tag in one.tags))
            for one in (run.inputs.dataset_inputs if run.inputs else [])
        ]
        return {
            "name": run.info.run_name,
            "user": run.info.user_id,
            "status": run.info.status,
            "stage": run.info.lifecycle_stage,
            "times": [run.info.start_time, run.info.end_time],
            "params": dict(run.data.params),
            "tags": self.pairs(run.data.tags),
            "latest": {key: repr(value) for key, value in run.data.metrics.items()},
            "history": history,
            "inputs": inputs,
            "outputs": sorted(
                (self.name(one.model_id), one.step) for one in (run.outputs.model_outputs if run.outputs else [])
            ) if self.by_ids else len(run.outputs.model_outputs if run.outputs else []),
            "files": self.files(run.info.artifact_uri),
        }

    def files(self, uri):
        with tempfile.TemporaryDirectory() as folder:
            try:
                root = Path(download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=self.uri))
            except Exception:
                # A run without files has no folder to download.
                return {}
            found = {}
            for path in sorted(root.rglob("*")):
                if not path.is_file():
                    continue
                content = path.read_bytes()
                self.counts["files"] += 1
                self.counts["bytes"] += len(content)
                name = str(path.relative_to(root))
                # The description of a model contains the ids of its run and of itself.
                same = self.by_ids or path.name != "MLmodel"
                found[name] = hashlib.sha256(content).hexdigest() if same else "a model"
            return found

    def logged_models(self, experiment, content):
        for number, model in enumerate(
            sorted(
                self.client.search_logged_models([experiment.experiment_id]),
                key=lambda one: (one.creation_timestamp, one.model_id),
            )
        ):
            self.counts["models"] += 1
            self.ids[model.model_id] = f"model {model.name} {number}"
        for model in self.client.search_logged_models([experiment.experiment_id]):
            content[f"{experiment.name} / {self.name(model.model_id)}"] = {
                "name": model.name,
                "type": model.model_type,
                "run": self.name(model.source_run_id),
                "status": str(model.status),
                "params": model.params,
                "tags": self.pairs(model.tags),
                "metrics": sorted(
                    (one.key, one.value, one.timestamp, one.step, self.name(one.run_id), one.dataset_name or "")
                    for one in (model.metrics or [])
                ),
                **self.times(created=model.creation_timestamp, updated=model.last_updated_timestamp),
                "files": self.files(model.artifact_location),
            }

    def registry(self, content):
        for text in (None, PROMPTS):
            for model in self.client.search_registered_models(filter_string=text):
                content[f"registered {model.name}"] = {
                    "description": model.description or "",
                    "tags": self.pairs(model.tags),
                    "aliases": {alias: str(version) for alias, version in model.aliases.items()},
                    **self.times(created=model.creation_timestamp),
                }
                named = f"name = '{model.name}'"
                query = named if text is None else f"{named} and {text}"
                for version in self.client.search_model_versions(query):
                    self.counts["versions"] += 1
                    if text is not None:
                        self.prompts.append(f"{model.name}/{version.version}")
                    content[f"version {model.name}/{version.version}"] = self.version(version, text is None)

    def version(self, version, is_model):
        uri = self.client.get_model_version_download_uri(version.name, version.version) if is_model else None
        return {
            "description": version.description or "",
            "stage": version.current_stage,
            "run": self.name(version.run_id or ""),
            "source": self.text(version.source),
            "tags": self.pairs(version.tags),
            "status": version.status,
            **self.times(created=version.creation_timestamp),
            "files": self.files(uri) if is_model else None,
        }


def versions_in(text):
    """Client and server both record them, in two formats."""
    return sorted({(one["name"], str(one["version"])) for one in json.loads(text)})


def differences(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            if key not in a or key not in b:
                yield f"{path} / {key}: only {'there' if key in a else 'here'}"
            else:
                yield from differences(f"{path} / {key}", a[key], b[key])
    elif a != b:
        yield f"{path}: {str(a)[:200]} is not {str(b)[:200]}"


def main(a, b, mode):
    first, second = ServerContent(a, mode == "ids"), None
    left = first.everything()
    second = ServerContent(b, mode == "ids")
    right = second.everything()
    print(json.dumps({"counts": first.counts, "differences": list(differences("", left, right))}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "ids")

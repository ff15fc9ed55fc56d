"""The part without Feast: the URL and the token of the Dais under test, and uploads of data."""

import hashlib
import io
import os
import tempfile
import time
import urllib.parse

import requests
import yaml
from feast import FeatureStore

HTTP = os.environ["FEAST_HTTP"]
GRPC = os.environ["FEAST_GRPC"]
TOKEN = os.environ["FEAST_TOKEN"]
PATIENCE = 240
HEADERS = {"authorization": f"Bearer {TOKEN}"}


def store(project, token=TOKEN, repo=None):
    """Returns a FeatureStore as with a feature_store.yaml of this project."""
    folder = repo or tempfile.mkdtemp()
    settings = {
        "project": project,
        "provider": "local",
        "registry": {"registry_type": "remote", "path": GRPC},
        "online_store": {"type": "remote", "path": f"{HTTP}/p/{project.replace('_', '-')}"},
        "offline_store": {"type": "duckdb"},
        "auth": {"type": "oidc", "token": token},
        "entity_key_serialization_version": 3,
    }
    with open(os.path.join(folder, "feature_store.yaml"), "w") as file:
        yaml.safe_dump(settings, file)
    return FeatureStore(folder)


def call(method, project, path, **more):
    answer = requests.request(method, f"{HTTP}/p/{project.replace('_', '-')}{path}", headers=HEADERS, **more)
    if not answer.ok:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


def push(project, dataset, frame):
    """Creates a version of a dataset, like `dais data push`."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, coerce_timestamps="us")
    body = buffer.getvalue()
    base = f"/api/v1/data/datasets/{urllib.parse.quote(dataset)}"
    name = f"{dataset}.parquet"
    file = {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    begun = call("POST", project, f"{base}/pushes", json={"files": [file]})
    for needed in begun["needed"]:
        call("PUT", project, f"{base}/pushes/{begun['id']}/files", params={"file": needed}, data=body)
    call("POST", project, f"{base}/pushes/{begun['id']}/commit", json={})
    until = time.monotonic() + PATIENCE
    while True:
        ingest = call("GET", project, f"{base}/ingests/{begun['id']}")
        if ingest.get("endedAt"):
            break
        if time.monotonic() > until:
            raise RuntimeError(f"{dataset} did not come: {ingest}")
        time.sleep(0.1)
    if ingest["state"] == "failed":
        raise RuntimeError(f"{dataset}: {ingest['problems']}")

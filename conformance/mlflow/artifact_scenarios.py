"""Files of runs."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from scenario import fresh, scenario

import mlflow
from mlflow import MlflowClient


@scenario()
def artifacts():
    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        root = Path(folder)
        (root / "sub" / "deep").mkdir(parents=True)
        (root / "notes.txt").write_text("hello")
        (root / "sub" / "größe und mehr.bin").write_bytes(os.urandom(300_000))
        (root / "sub" / "deep" / "empty").write_bytes(b"")
        mlflow.log_artifact(str(root / "notes.txt"))
        mlflow.log_artifacts(folder, "all")
        mlflow.log_text("some text", "texts/t.txt")
        mlflow.log_dict({"a": [1, 2]}, "d.json")
        client = MlflowClient()
        identifier = run.info.run_id
        assert [file.path for file in client.list_artifacts(identifier)] == ["all", "d.json", "notes.txt", "texts"]
        assert [(file.path, file.is_dir) for file in client.list_artifacts(identifier, "all")] == [
            ("all/notes.txt", False),
            ("all/sub", True),
        ]
        assert client.list_artifacts(identifier, "notes.txt") == []
        copy = Path(client.download_artifacts(identifier, "all", tempfile.mkdtemp()))
        for name in ("notes.txt", "sub/größe und mehr.bin", "sub/deep/empty"):
            assert (copy / name).read_bytes() == (root / name).read_bytes(), name
        assert mlflow.artifacts.load_dict(f"runs:/{identifier}/d.json") == {"a": [1, 2]}
        assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/texts/t.txt") == "some text"
        mlflow.log_text("replaced", "texts/t.txt")
        assert mlflow.artifacts.load_text(f"runs:/{identifier}/texts/t.txt") == "replaced"
        mlflow.log_figure(_figure(), "plot.png")
        mlflow.log_table({"q": ["a"], "r": [1]}, "table.json")
        assert list(mlflow.load_table("table.json", run_ids=[identifier])["q"]) == ["a"]
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        get_artifact_repository(run.info.artifact_uri).delete_artifacts("all")
        assert "all" not in [file.path for file in client.list_artifacts(identifier)]
        try:
            client.download_artifacts(identifier, "nothing/here", tempfile.mkdtemp())
        except Exception as error:
            assert "here" in str(error), error
        else:
            raise AssertionError("an artifact that is not there came down")


def _figure():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    return figure


@contextmanager
def settings(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def watched(module, name):
    """Records the calls of a function of the client's own libraries; they are passed on unchanged."""
    calls = []
    function = getattr(module, name)

    def noted(*values, **named):
        calls.append((values, named))
        return function(*values, **named)

    setattr(module, name, noted)
    try:
        yield calls
    finally:
        setattr(module, name, function)


def _file(folder, name, size):
    path = Path(folder) / name
    path.write_bytes(os.urandom(size))
    return path


def _same(run, name, path):
    copy = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path=name, dst_path=tempfile.mkdtemp()
    )
    assert Path(copy).read_bytes() == path.read_bytes(), name


@scenario()
def files_by_server():
    """Requests that pages and clients of other languages send to the server."""
    import requests

    mlflow.set_experiment(fresh())
    server = os.environ["MLFLOW_TRACKING_URI"]
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with mlflow.start_run() as run:
        mlflow.log_text("some text", "texts/größe.txt")
        mlflow.log_text("", "empty")
        identifier = run.info.run_id

        def listed(path=None):
            url = f"{server}/api/2.0/mlflow/artifacts/list"
            answer = requests.get(url, params={"run_id": identifier, "path": path}, headers=headers)
            answer.raise_for_status()
            result = answer.json()
            assert result["root_uri"] == run.info.artifact_uri
            return [(file["path"], file["is_dir"], file.get("file_size")) for file in result.get("files", [])]

        assert listed() == [("empty", False, 0), ("texts", True, None)], listed()
        assert listed("texts") == [("texts/größe.txt", False, 9)], listed("texts")
        assert listed("empty") == []
        requested = {"run_id": identifier, "path": "texts/größe.txt"}
        answer = requests.get(f"{server}/get-artifact", params=requested, headers=headers)
        assert (answer.status_code, answer.text) == (200, "some text"), answer.text
        none = requests.get(f"{server}/get-artifact", params={**requested, "path": "none"}, headers=headers)
        assert none.status_code == 404, none.text


@scenario()
def artifacts_lie_in_the_folder():
    """Only where the server lets its clients write the files directly."""
    root = os.environ.get("DAIS_TEST_ARTIFACT_ROOT")
    if root is None:
        return
    mlflow.set_experiment(fresh())
    with mlflow.start_run() as run:
        mlflow.log_text("some text", "t.txt")
        assert run.info.artifact_uri.startswith(f"file://{root}/"), run.info.artifact_uri
        assert (Path(run.info.artifact_uri[len("file://") :]) / "t.txt").read_text() == "some text"


IN_PARTS = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1000000",
    "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": "1048576",
}


@scenario()
def large_artifact():
    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = _file(folder, "large.bin", (20 << 20) + 7)
        mlflow.log_artifact(str(path))
        _same(run, "large.bin", path)


@scenario()
def artifact_in_parts():
    import requests

    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = _file(folder, "größe und mehr.bin", (5 << 20) + 7)
        small = _file(folder, "small.bin", 1000)
        with settings(**IN_PARTS), watched(requests, "put") as puts:
            mlflow.log_artifact(str(path), "parts/deep")
            assert len(puts) == 6, len(puts)
            # Overwrites the same path.
            path.write_bytes(os.urandom(2 << 20))
            mlflow.log_artifacts(folder, "parts/deep")
            assert len(puts) == 8, len(puts)
        for one in (path, small):
            _same(run, f"parts/deep/{one.name}", one)


@scenario()
def artifact_in_parts_given_up():
    import requests

    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = _file(folder, "cut.bin", 3 << 20)
        put = requests.put

        def broken(url, **named):
            if url.endswith("/2"):
                raise requests.exceptions.ConnectionError("the network is gone")
            return put(url, **named)

        with settings(**IN_PARTS):
            requests.put = broken
            try:
                mlflow.log_artifact(str(path))
            except Exception as error:
                assert "Failed to upload" in str(error), error
            else:
                raise AssertionError("a file of which a part is missing went up")
            finally:
                requests.put = put
            assert MlflowClient().list_artifacts(run.info.run_id) == []
            mlflow.log_artifact(str(path))
        _same(run, "cut.bin", path)


@scenario(since=(3, 18))
def artifact_by_link():
    from mlflow.utils import request_utils

    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = _file(folder, "ä large.bin", (3 << 20) + 7)
        mlflow.log_artifact(str(path), "deep")
        mlflow.log_text("", "empty.txt")
        by_link = {"MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true", "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": "1048576"}
        with settings(**by_link), watched(request_utils, "cloud_storage_http_request") as gets:
            _same(run, f"deep/{path.name}", path)
            assert len(gets) == 4, len(gets)
            assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/empty.txt") == ""

"""Files of runs."""

import os
import tempfile
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


@scenario()
def large_artifact():
    mlflow.set_experiment(fresh())
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = Path(folder) / "large.bin"
        block = os.urandom(1 << 20)
        with path.open("wb") as file:
            for _ in range(20):
                file.write(block)
        mlflow.log_artifact(str(path))
        # Clients that are told to use many parts fall back to one.
        os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
        os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = "5242880"
        try:
            mlflow.log_artifact(str(path), "parts")
        finally:
            del os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"]
            del os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"]
        for name in ("large.bin", "parts/large.bin"):
            copy = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name)
            assert Path(copy).read_bytes() == path.read_bytes()

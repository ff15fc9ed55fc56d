"""Logged and registered models, and prompts."""

from pathlib import Path

from scenario import VERSION, fresh, refused, scenario

import mlflow
from mlflow import MlflowClient


@scenario(since=(3, 0))
def logged_models():
    client = MlflowClient()
    experiment = mlflow.set_experiment(fresh())
    model = mlflow.initialize_logged_model(name="m", params={"depth": "3"}, tags={"k": "v"}, model_type="demo")
    assert model.status == "PENDING" and model.model_id.startswith("m-")
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.5, model_id=model.model_id)
    mlflow.finalize_logged_model(model.model_id, "READY")
    found = mlflow.get_logged_model(model.model_id)
    assert (found.name, found.status, found.model_type) == ("m", "READY", "demo")
    assert found.params == {"depth": "3"} and found.tags["k"] == "v"
    assert [(metric.key, metric.value, metric.run_id) for metric in found.metrics] == [
        ("accuracy", 0.5, run.info.run_id)
    ]
    mlflow.set_logged_model_tags(model.model_id, {"k": "w", "l": "x"})
    mlflow.delete_logged_model_tag(model.model_id, "l")
    assert mlflow.get_logged_model(model.model_id).tags["k"] == "w"
    mlflow.log_model_params({"more": "1"}, model_id=model.model_id)
    assert mlflow.get_logged_model(model.model_id).params == {"depth": "3", "more": "1"}
    table = mlflow.search_logged_models(
        experiment_ids=[experiment.experiment_id], filter_string="metrics.accuracy > 0.4", output_format="list"
    )
    assert [one.model_id for one in table] == [model.model_id]
    client.delete_logged_model(model.model_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_logged_model(model.model_id))


@scenario(needs=("sklearn",))
def scikit_learn_autologging():
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    mlflow.set_experiment(fresh())
    mlflow.sklearn.autolog(silent=False)
    try:
        inputs, labels = load_iris(return_X_y=True, as_frame=True)
        with mlflow.start_run() as run:
            model = LogisticRegression(max_iter=200).fit(inputs, labels)
            model.score(inputs, labels)
    finally:
        mlflow.sklearn.autolog(disable=True)
    logged = mlflow.get_run(run.info.run_id)
    assert logged.data.params["max_iter"] == "200" and "training_accuracy_score" in logged.data.metrics
    assert logged.inputs.dataset_inputs
    if VERSION >= (3, 0):
        made = logged.outputs.model_outputs
        assert len(made) == 1
        uri = f"models:/{made[0].model_id}"
        assert mlflow.get_logged_model(made[0].model_id).status == "READY"
    else:
        uri = f"runs:/{run.info.run_id}/model"
    again = mlflow.sklearn.load_model(uri)
    assert (again.predict(inputs) == model.predict(inputs)).all()


@scenario(needs=("sklearn",))
def a_model_is_logged_and_loaded():
    from sklearn.dummy import DummyClassifier

    mlflow.set_experiment(fresh())
    model = DummyClassifier().fit([[1], [2]], [0, 1])
    with mlflow.start_run() as run:
        # The requirements of the model are explicit: inferring them starts a second Python for each model.
        more = {"pip_requirements": ["scikit-learn"], "registered_model_name": fresh("dummy")}
        if VERSION >= (3, 0):
            info = mlflow.sklearn.log_model(model, name="dummy", **more)
        else:
            info = mlflow.sklearn.log_model(model, "dummy", **more)
    assert len(mlflow.pyfunc.load_model(info.model_uri).predict([[1], [2]])) == 2
    registered = mlflow.pyfunc.load_model(f"models:/{more['registered_model_name']}/1")
    assert len(registered.predict([[1], [2]])) == 2
    assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"


@scenario()
def model_registry():
    client = MlflowClient()
    mlflow.set_experiment(fresh())
    name = fresh("model")
    client.create_registered_model(name, tags={"team": "flights"}, description="delays")
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model(name))
    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/weights.txt")
    source = f"{run.info.artifact_uri}/model"
    first = client.create_model_version(name, source, run.info.run_id, tags={"n": "1"}, description="the first")
    second = client.create_model_version(name, f"runs:/{run.info.run_id}/model", run.info.run_id)
    assert (first.version, second.version, first.status) == ("1", "2", "READY") or (first.version, second.version) == (1, 2)
    client.set_registered_model_alias(name, "champion", "1")
    champion = client.get_model_version_by_alias(name, "champion")
    assert str(champion.version) == "1" and champion.tags["n"] == "1" and champion.description == "the first"
    client.set_registered_model_alias(name, "champion", "2")
    assert str(client.get_model_version_by_alias(name, "latest").version) == "2"
    model = client.get_registered_model(name)
    assert {alias: str(version) for alias, version in model.aliases.items()} == {"champion": "2"}
    assert (model.tags["team"], model.description) == ("flights", "delays")
    copy = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
    assert (Path(copy) / "weights.txt").read_text() == "weights"
    client.set_model_version_tag(name, "2", "checked", "yes")
    assert client.get_model_version(name, "2").tags["checked"] == "yes"
    client.delete_model_version_tag(name, "2", "checked")
    client.set_registered_model_tag(name, "more", "1")
    client.delete_registered_model_tag(name, "more")
    client.update_model_version(name, "2", description="the second")
    client.update_registered_model(name, "more delays")
    assert client.get_registered_model(name).description == "more delays"
    found = client.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])
    assert [str(version.version) for version in found] == ["2", "1"]
    assert len(client.search_model_versions(f"run_id = '{run.info.run_id}' AND tags.n = '1'")) == 1
    assert [one.name for one in client.search_registered_models(f"name LIKE '{name}%'")] == [name]
    client.delete_registered_model_alias(name, "champion")
    message = refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias(name, "champion"))
    assert "Registered model alias champion not found." in message
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_registered_model_alias(name, "v1", "1"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(name, "99"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(name + "-none"))
    client.delete_model_version(name, "1")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(name, "1"))
    third = client.create_model_version(name, source, run.info.run_id)
    assert str(third.version) == "3"
    client.rename_registered_model(name, name + "-2")
    assert [str(version.version) for version in client.search_model_versions(f"name = '{name}-2'")] == ["3", "2"]
    client.delete_registered_model(name + "-2")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(name + "-2"))


@scenario()
def stages_of_versions():
    client = MlflowClient()
    mlflow.set_experiment(fresh())
    name = fresh("staged")
    client.create_registered_model(name)
    with mlflow.start_run() as run:
        mlflow.log_text("w", "m/w.txt")
    for _ in range(3):
        client.create_model_version(name, f"{run.info.artifact_uri}/m", run.info.run_id)
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    latest = client.get_latest_versions(name, stages=["Production", "None"])
    assert {version.current_stage: str(version.version) for version in latest} == {"Production": "2", "None": "3"}
    refused("INVALID_PARAMETER_VALUE", lambda: client.transition_model_version_stage(name, "1", "Nowhere"))


@scenario(since=(3, 0))
def prompts():
    name = fresh("prompt")
    made = mlflow.genai.register_prompt(name, "Say {{word}} to {{who}}.", commit_message="first", tags={"kind": "try"})
    assert int(made.version) == 1
    mlflow.genai.register_prompt(name, "Whisper {{word}}.")
    mlflow.genai.set_prompt_alias(name, "best", 1)
    prompt = mlflow.genai.load_prompt(f"prompts:/{name}@best")
    assert prompt.format(word="hello", who="all") == "Say hello to all."
    assert mlflow.genai.load_prompt(name, version=2).template == "Whisper {{word}}."
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest").version == 2
    assert name in [found.name for found in mlflow.genai.search_prompts(f"name = '{name}'")]
    assert MlflowClient().search_registered_models(f"name = '{name}'") == []

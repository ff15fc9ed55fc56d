"""Experiments, runs and logged data."""

import math
import time

from scenario import fresh, refused, scenario

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


@scenario()
def experiments():
    client = MlflowClient()
    name = fresh()
    identifier = client.create_experiment(name, tags={"team": "flights"})
    found = client.get_experiment(identifier)
    assert (found.name, found.lifecycle_stage, found.tags["team"]) == (name, "active", "flights")
    assert client.get_experiment_by_name(name).experiment_id == identifier
    assert client.get_experiment_by_name(fresh("none")) is None
    client.set_experiment_tag(identifier, "stage", "try")
    assert client.get_experiment(identifier).tags["stage"] == "try"
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(name))
    client.rename_experiment(identifier, name + "-2")
    client.delete_experiment(identifier)
    assert client.get_experiment(identifier).lifecycle_stage == "deleted"
    client.restore_experiment(identifier)
    assert client.get_experiment(identifier).name == name + "-2"
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("987654321"))
    assert mlflow.set_experiment(fresh()).lifecycle_stage == "active"


@scenario()
def experiments_are_found():
    client = MlflowClient()
    base = fresh("find")
    identifiers = [client.create_experiment(f"{base}-{number}", tags={"n": str(number)}) for number in range(5)]
    client.delete_experiment(identifiers[4])
    by_name = client.search_experiments(filter_string=f"name LIKE '{base}%'", order_by=["name DESC"])
    assert [found.name for found in by_name] == [f"{base}-{number}" for number in (3, 2, 1, 0)]
    first = client.search_experiments(filter_string=f"name LIKE '{base}%'", order_by=["name"], max_results=3)
    assert len(first) == 3 and first.token
    rest = client.search_experiments(
        filter_string=f"name LIKE '{base}%'", order_by=["name"], max_results=3, page_token=first.token
    )
    assert [found.name for found in rest] == [f"{base}-3"] and not rest.token
    deleted = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name LIKE '{base}%'")
    assert [found.experiment_id for found in deleted] == [identifiers[4]]
    tagged = client.search_experiments(filter_string=f"name LIKE '{base}%' AND tags.n = '2'")
    assert [found.experiment_id for found in tagged] == [identifiers[2]]


@scenario()
def fluent_run():
    mlflow.set_experiment(fresh())
    with mlflow.start_run(run_name="trained", tags={"kind": "demo"}, description="a note") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "loss": "mse"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "recall": 0.8}, step=4)
        mlflow.set_tag("checked", "yes")
        mlflow.set_tags({"a": 1, "b": "zwei"})
        mlflow.log_param("depth", 3)
    finished = mlflow.get_run(run.info.run_id)
    assert finished.info.status == "FINISHED" and finished.info.end_time >= finished.info.start_time
    assert finished.info.run_name == "trained"
    assert finished.data.params == {"depth": "3", "rate": "0.1", "loss": "mse"}
    assert finished.data.metrics == {"loss": 0.2, "accuracy": 0.9, "recall": 0.8}
    assert finished.data.tags["checked"] == "yes" and finished.data.tags["b"] == "zwei"
    assert finished.data.tags["mlflow.runName"] == "trained"
    assert finished.data.tags["mlflow.note.content"] == "a note"
    client = MlflowClient()
    message = refused("INVALID_PARAMETER_VALUE", lambda: client.log_batch(run.info.run_id, params=[Param("depth", "4")]))
    assert "Changing param values is not allowed" in message
    mlflow.MlflowClient().update_run(run.info.run_id, name="renamed")
    assert mlflow.get_run(run.info.run_id).data.tags["mlflow.runName"] == "renamed"


@scenario()
def nested_runs():
    mlflow.set_experiment(fresh())
    with mlflow.start_run() as parent:
        for number in range(3):
            with mlflow.start_run(nested=True, run_name=f"child {number}") as child:
                mlflow.log_metric("m", number)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    children = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.m DESC"]
    )
    assert list(children["tags.mlflow.runName"]) == ["child 2", "child 1", "child 0"]


@scenario()
def a_run_that_fails():
    mlflow.set_experiment(fresh())
    try:
        with mlflow.start_run() as run:
            raise ValueError("training broke")
    except ValueError:
        pass
    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"


@scenario()
def lifecycle_of_runs():
    client = MlflowClient()
    experiment = client.create_experiment(fresh())
    run = client.create_run(experiment, start_time=17, tags={"k": "v"}, run_name="mine")
    identifier = run.info.run_id
    assert (run.info.start_time, run.info.status, run.info.run_name) == (17, "RUNNING", "mine")
    client.set_terminated(identifier, "KILLED", end_time=99)
    assert client.get_run(identifier).info.end_time == 99
    client.delete_run(identifier)
    message = refused("INVALID_PARAMETER_VALUE", lambda: client.log_metric(identifier, "m", 1))
    assert "must be in the 'active' state" in message
    assert client.get_run(identifier).info.lifecycle_stage == "deleted"
    client.restore_run(identifier)
    client.set_tag(identifier, "gone", "soon")
    client.delete_tag(identifier, "gone")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_tag(identifier, "gone"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))
    client.delete_experiment(experiment)
    assert client.get_run(identifier).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_run(identifier).info.lifecycle_stage == "active"


@scenario()
def metric_histories():
    client = MlflowClient()
    run = client.create_run(client.create_experiment(fresh()))
    identifier = run.info.run_id
    values = [0.5, math.nan, math.inf, -math.inf, -0.25]
    for step, value in enumerate(values):
        client.log_metric(identifier, "m", value, timestamp=1000 + step, step=step)
    history = client.get_metric_history(identifier, "m")
    assert [point.step for point in history] == [0, 1, 2, 3, 4]
    assert history[0].value == 0.5 and math.isnan(history[1].value)
    assert history[2].value == 1.7976931348623157e308 and history[3].value == -1.7976931348623157e308
    client.log_metric(identifier, "late", 2.0, timestamp=5, step=7)
    client.log_metric(identifier, "late", 1.0, timestamp=9, step=3)
    assert client.get_run(identifier).data.metrics["late"] == 2.0
    assert client.get_metric_history(identifier, "nothing") == []
    many = [Metric("many", float(number), 1000 + number, number) for number in range(1000)]
    for start in range(0, 3000, 1000):
        client.log_batch(
            identifier, metrics=[Metric("many", point.value, point.timestamp + start, point.step + start) for point in many]
        )
    client.log_batch(identifier, metrics=many)
    assert len(client.get_metric_history(identifier, "many")) == 3000
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_metric(identifier, "a@b", 1.0, synchronous=True))


@scenario()
def batches():
    client = MlflowClient()
    run = client.create_run(client.create_experiment(fresh()))
    identifier = run.info.run_id
    now = int(time.time() * 1000)
    metrics = [Metric(f"m{number}", number / 7, now, 0) for number in range(800)]
    params = [Param(f"p{number}", "v" * 100) for number in range(100)]
    tags = [RunTag(f"t{number}", "w") for number in range(100)]
    client.log_batch(identifier, metrics, params, tags)
    data = client.get_run(identifier).data
    assert (len(data.metrics), len(data.params), len(data.tags)) == (800, 100, 101)
    assert data.metrics["m799"] == 799 / 7
    mlflow.log_metrics({f"m{number}": 1.0 for number in range(5000)}, run_id=identifier, step=1)
    assert len(client.get_run(identifier).data.metrics) == 5000


@scenario()
def asynchronous_logging():
    client = MlflowClient()
    run = client.create_run(client.create_experiment(fresh()))
    identifier = run.info.run_id
    waits = [client.log_metric(identifier, "m", step, step=step, synchronous=False) for step in range(200)]
    for wait in waits:
        wait.wait()
    assert len(client.get_metric_history(identifier, "m")) == 200


@scenario()
def runs_as_a_table():
    import pandas

    experiment = mlflow.set_experiment(fresh())
    for number in range(6):
        with mlflow.start_run(run_name=f"run {number}"):
            mlflow.log_params({"depth": number % 3, "kind": "a" if number % 2 else "b"})
            mlflow.log_metrics({"loss": 1.0 - number / 10, "odd": float("nan") if number == 5 else number})
            mlflow.set_tag("group", f"g{number // 2}")
    table = mlflow.search_runs(order_by=["metrics.loss ASC"])
    assert list(table["tags.mlflow.runName"]) == [f"run {number}" for number in (5, 4, 3, 2, 1, 0)]
    assert {"run_id", "status", "start_time", "end_time", "params.depth", "metrics.loss"} <= set(table.columns)
    assert pandas.api.types.is_datetime64_any_dtype(table["start_time"])

    def names(filter_string, **more):
        found = mlflow.search_runs(filter_string=filter_string, order_by=["attributes.start_time ASC"], **more)
        return [int(name.split()[1]) for name in found["tags.mlflow.runName"]] if len(found) else []

    assert names("metrics.loss < 0.75") == [3, 4, 5]
    assert names("metrics.loss <= 0.8 AND params.kind = 'b'") == [2, 4]
    assert names("params.depth != '0' and metrics.loss > 0.6") == [1, 2]
    assert names("tags.group = 'g1'") == [2, 3]
    assert names("tags.`mlflow.runName` LIKE 'run%'") == [0, 1, 2, 3, 4, 5]
    assert names("attributes.run_name ILIKE 'RUN 3'") == [3]
    assert names("run_name = 'run 2'") == [2]
    assert names("attributes.status = 'FINISHED' AND params.kind LIKE 'a'") == [1, 3, 5]
    assert names("params.nothing = 'x'") == []
    first = MlflowClient().search_runs([experiment.experiment_id], max_results=4)
    second = MlflowClient().search_runs([experiment.experiment_id], max_results=4, page_token=first.token)
    assert (len(first), len(second)) == (4, 2) and not second.token
    assert not {run.info.run_id for run in first} & {run.info.run_id for run in second}
    for wrong in ("metrics.loss > '1'", "params.a = 1", "foo.bar = 'x'", "params.a = 'b' OR params.a = 'c'"):
        refused("INVALID_PARAMETER_VALUE", lambda wrong=wrong: mlflow.search_runs(filter_string=wrong))
    last = mlflow.search_runs(order_by=["metrics.odd DESC"])
    assert math.isnan(last["metrics.odd"].iloc[-1]) and last["metrics.odd"].iloc[0] == 4


@scenario()
def datasets():
    import pandas

    mlflow.set_experiment(fresh())
    frame = pandas.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.2, 0.3]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.com/flights.csv", name="flights", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"split": "1"})
        mlflow.log_input(dataset, context="training")
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert len(inputs) == 1
    assert (inputs[0].dataset.name, inputs[0].dataset.digest) == ("flights", dataset.digest)
    assert {tag.key: tag.value for tag in inputs[0].tags}["mlflow.data.context"] == "training"
    assert "example.com" in inputs[0].dataset.source and "y" in inputs[0].dataset.schema
    found = mlflow.search_runs(filter_string="datasets.name = 'flights'")
    assert list(found["run_id"]) == [run.info.run_id]


@scenario()
def what_is_not_there():
    from mlflow.utils.rest_utils import http_request
    from mlflow.tracking._tracking_service.utils import _get_store

    credentials = _get_store().get_host_creds()
    answer = http_request(credentials, "/api/3.0/mlflow/gateway/secrets/list", "GET")
    assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"
    try:
        MlflowClient().get_experiment("not a number")
    except MlflowException as error:
        assert "must be a valid integer" in str(error)
    else:
        raise AssertionError("an experiment without a number was found")

"""Scenarios of kfp.Client, run against the server at KFP_HOST. Prints one line of JSON with the result of each."""

import base64
import inspect
import json
import os
import sys
import tarfile
import tempfile
import traceback
import urllib.parse
import warnings
import zipfile

warnings.simplefilter("ignore")

import kfp
import kfp_server_api
from kfp import compiler, dsl

HOST = os.environ["KFP_HOST"]
TOKEN = os.environ["KFP_TOKEN"]
NAMESPACE = os.environ.get("KFP_NAMESPACE")
PATIENCE = 420


@dsl.component(base_image="python:3.11")
def add(a: int, b: int) -> int:
    return a + b


@dsl.component(base_image="python:3.11")
def write(text: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component(base_image="python:3.11")
def wait():
    import time

    time.sleep(3600)


@dsl.component(base_image="python:3.11")
def fail():
    raise ValueError("this is why")


@dsl.pipeline(name="adds", description="Adds, twice.")
def adds(a: int = 1, b: int = 2) -> int:
    first = add(a=a, b=b)
    write(text="kept")
    return add(a=first.output, b=b).output


@dsl.component(base_image="python:3.11")
def measure(resource: str, scores: dsl.Output[dsl.Metrics], names: dsl.Output[dsl.Artifact]):
    print("it measures now")
    scores.log_metric("accuracy", 0.875)
    with open(names.path, "w") as file:
        file.write(resource)


@dsl.component(base_image="python:3.11")
def report(status: dsl.PipelineTaskFinalStatus):
    print("FINAL", status.state, status.pipeline_job_resource_name, status.pipeline_task_name)


@dsl.pipeline(name="measured")
def measured():
    with dsl.ExitHandler(report()):
        measure(resource=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER)


@dsl.component(
    base_image="python:3.11", packages_to_install=["no-such-package"], pip_index_urls=["http://169.254.169.254/simple"]
)
def indexed():
    pass


@dsl.pipeline(name="from-index")
def from_index():
    indexed()


@dsl.pipeline(name="waits")
def waits():
    wait()


@dsl.pipeline(name="fails")
def fails():
    fail()


def connect(token=TOKEN):
    return kfp.Client(host=HOST, existing_token=token, namespace=NAMESPACE or "kubeflow")


def only_here():
    """Lists use a namespace where there is one."""
    return {} if NAMESPACE is None else {"namespace": NAMESPACE}


def equals(key, value):
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": key, "stringValue": value}]})


def refused(status, act, *words):
    try:
        act()
    except kfp_server_api.ApiException as error:
        assert error.status == status, (error.status, error.body)
        body = json.loads(error.body)
        assert isinstance(body["code"], int) and isinstance(body["details"], list), body
        for word in words:
            assert word in body["message"], body
    else:
        raise AssertionError("it was not refused")


def compiled(pipeline, folder, name="pipeline.yaml"):
    path = os.path.join(folder, name)
    compiler.Compiler().compile(pipeline, path)
    return path


def scenario_healthz():
    health = connect().get_kfp_healthz()
    assert not health.multi_user, health


def scenario_experiments():
    client = connect()
    made = client.create_experiment("tried", description="what for", namespace=NAMESPACE)
    assert made.display_name == "tried" and made.description == "what for"
    assert made.created_at.year >= 2024 and made.storage_state == "AVAILABLE"
    assert client.create_experiment("tried", namespace=NAMESPACE).experiment_id == made.experiment_id
    assert client.get_experiment(experiment_id=made.experiment_id) == client.get_experiment(
        experiment_name="tried", namespace=NAMESPACE
    )
    others = [client.create_experiment(f"page {n}", namespace=NAMESPACE).experiment_id for n in range(3)]
    like = json.dumps({"predicates": [{"operation": "IS_SUBSTRING", "key": "display_name", "stringValue": "page "}]})
    first = client.list_experiments(page_size=2, sort_by="display_name desc", filter=like, namespace=NAMESPACE)
    assert [one.display_name for one in first.experiments] == ["page 2", "page 1"] and first.total_size == 3
    rest = client.list_experiments(
        page_token=first.next_page_token, page_size=2, sort_by="display_name desc", filter=like, namespace=NAMESPACE
    )
    assert [one.display_name for one in rest.experiments] == ["page 0"] and rest.next_page_token is None
    client.archive_experiment(made.experiment_id)
    assert client.get_experiment(experiment_id=made.experiment_id).storage_state == "ARCHIVED"
    client.unarchive_experiment(made.experiment_id)
    assert client.get_experiment(experiment_id=made.experiment_id).storage_state == "AVAILABLE"
    for experiment in [made.experiment_id, *others]:
        client.delete_experiment(experiment)
    refused(404, lambda: client.get_experiment(experiment_id=made.experiment_id), "not found")
    try:
        client.get_experiment(experiment_name="tried", namespace=NAMESPACE)
    except ValueError as error:
        assert "No experiment is found" in str(error)
    else:
        raise AssertionError("it is still there")
    client.delete_experiment(client.create_experiment("tried", namespace=NAMESPACE).experiment_id)


def scenario_pipelines():
    client = connect()
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(adds, folder)
        made = client.upload_pipeline(path, pipeline_name="kept pipeline", description="all of it", namespace=NAMESPACE)
        assert made.display_name == "kept pipeline" and made.description == "all of it", made
        refused(409, lambda: client.upload_pipeline(path, pipeline_name="kept pipeline", namespace=NAMESPACE))
        assert client.get_pipeline(made.pipeline_id) == made
        if NAMESPACE is None:
            assert client.get_pipeline_id("kept pipeline") == made.pipeline_id
        listed = client.list_pipelines(filter=equals("display_name", "kept pipeline"), namespace=NAMESPACE)
        assert [one.pipeline_id for one in listed.pipelines] == [made.pipeline_id] and listed.total_size == 1

        second = client.upload_pipeline_version(path, "second", pipeline_id=made.pipeline_id, description="newer")
        assert second.display_name == "second" and second.pipeline_id == made.pipeline_id
        refused(409, lambda: client.upload_pipeline_version(path, "second", pipeline_id=made.pipeline_id))
        third = client.upload_pipeline_version_from_pipeline_func(adds, "third", pipeline_id=made.pipeline_id)
        got = client.get_pipeline_version(made.pipeline_id, third.pipeline_version_id)
        assert got.pipeline_spec["pipelineInfo"]["name"] == "adds", got.pipeline_spec
        versions = client.list_pipeline_versions(made.pipeline_id, sort_by="created_at desc")
        assert [one.display_name for one in versions.pipeline_versions] == ["third", "second", "kept pipeline"]
        client.delete_pipeline_version(made.pipeline_id, second.pipeline_version_id)
        refused(404, lambda: client.get_pipeline_version(made.pipeline_id, second.pipeline_version_id))
        refused(400, lambda: client.delete_pipeline(made.pipeline_id), "existing pipeline versions")
        for one in client.list_pipeline_versions(made.pipeline_id).pipeline_versions:
            client.delete_pipeline_version(made.pipeline_id, one.pipeline_version_id)
        client.delete_pipeline(made.pipeline_id)
        refused(404, lambda: client.get_pipeline(made.pipeline_id), "not found")

        packed = os.path.join(folder, "packed.zip")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "pipeline.yaml")
        tarred = os.path.join(folder, "tarred.tar.gz")
        with tarfile.open(tarred, "w:gz") as archive:
            archive.add(path, "pipeline.yaml")
        for file in [packed, tarred]:
            uploaded = client.upload_pipeline(file, namespace=NAMESPACE)
            assert uploaded.display_name == "adds"
            client._pipelines_api.pipeline_service_delete_pipeline(pipeline_id=uploaded.pipeline_id, cascade=True)
        func = client.upload_pipeline_from_pipeline_func(adds, pipeline_name="from func", namespace=NAMESPACE)
        client._pipelines_api.pipeline_service_delete_pipeline(pipeline_id=func.pipeline_id, cascade=True)


def scenario_runs():
    client = connect()
    experiment = client.create_experiment("runs", namespace=NAMESPACE).experiment_id
    result = client.create_run_from_pipeline_func(
        adds,
        arguments={"a": 5},
        run_name="from func",
        experiment_name="runs",
        namespace=NAMESPACE,
        service_account="robot",
    )
    run = result.wait_for_run_completion(timeout=PATIENCE)
    assert run.state == "SUCCEEDED", run.error
    assert run.run_id == result.run_id and run.experiment_id == experiment
    assert run.display_name == "from func" and run.service_account == "robot"
    assert run.runtime_config.parameters == {"a": 5}, run.runtime_config
    assert run.pipeline_spec["pipelineInfo"]["name"] == "adds"
    assert run.finished_at >= run.created_at and run.error is None
    assert [one.state for one in run.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
    tasks = {one.display_name: one for one in run.run_details.task_details}
    assert set(tasks) >= {"add", "add-2", "write"} and {one.state for one in tasks.values()} == {"SUCCEEDED"}, tasks
    read = client._run_api.run_service_read_artifact if hasattr(client._run_api, "run_service_read_artifact") else None
    if read is not None:
        read(run_id=run.run_id, node_id=tasks["write"].task_id, artifact_name="data")

    with tempfile.TemporaryDirectory() as folder:
        path = compiled(adds, folder)
        package = client.create_run_from_pipeline_package(
            path, run_name="from package", experiment_id=experiment, enable_caching=False
        )
        kept = client.upload_pipeline(path, pipeline_name="run from here", namespace=NAMESPACE)
        [version] = client.list_pipeline_versions(kept.pipeline_id).pipeline_versions
        of_version = client.run_pipeline(
            experiment, "from version", pipeline_id=kept.pipeline_id, version_id=version.pipeline_version_id, params={"b": 7}
        )
        refused(
            400,
            lambda: client.run_pipeline(experiment, "unknown", pipeline_package_path=path, params={"nope": 1}),
            "nope",
        )
        refused(400, lambda: client.run_pipeline(experiment, "typed", pipeline_package_path=path, params={"a": "x"}), "a")
        refused(400, lambda: client.run_pipeline(experiment, "", pipeline_package_path=path), "display_name")
        refused(404, lambda: client.run_pipeline("424242", "nowhere", pipeline_package_path=path), "424242")
    for one in [package, of_version]:
        ended = client.wait_for_run_completion(one.run_id, PATIENCE, 1)
        assert ended.state == "SUCCEEDED", ended.error
    assert ended.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id

    names = lambda **query: [one.display_name for one in client.list_runs(experiment_id=experiment, **query).runs]
    assert names(sort_by="created_at desc") == ["from version", "from package", "from func"]
    assert names(filter=equals("display_name", "from func")) == ["from func"]
    assert len(client.list_runs(page_size=1, **only_here()).runs) == 1
    client.archive_run(run.run_id)
    assert client.get_run(run.run_id).storage_state == "ARCHIVED"
    assert names(filter=equals("storage_state", "ARCHIVED")) == ["from func"]
    client.unarchive_run(run.run_id)
    assert client.get_run(run.run_id).storage_state == "AVAILABLE"
    client.delete_run(run.run_id)
    refused(404, lambda: client.get_run(run.run_id), "not found")
    client._pipelines_api.pipeline_service_delete_pipeline(pipeline_id=kept.pipeline_id, cascade=True)


def scenario_failures():
    client = connect()
    failed = client.create_run_from_pipeline_func(fails, arguments={}, experiment_name="Default", namespace=NAMESPACE)
    run = failed.wait_for_run_completion(timeout=PATIENCE)
    assert run.state == "FAILED" and run.error.message, run
    client._run_api.run_service_retry_run(run_id=run.run_id)
    again = client.wait_for_run_completion(run.run_id, PATIENCE, 1)
    assert again.state == "FAILED" and again.run_id == run.run_id
    endless = client.create_run_from_pipeline_func(waits, arguments={}, namespace=NAMESPACE)
    client.terminate_run(endless.run_id)
    ended = client.wait_for_run_completion(endless.run_id, PATIENCE, 1)
    assert ended.state == "FAILED" and ended.error.message == "terminated", ended
    refused(400, lambda: client._run_api.run_service_terminate_run(run_id=ended.run_id))


def artifact(client, run, task, name):
    # The generated client has no method for it.
    node = urllib.parse.quote(task, safe="")
    url = f"{HOST}/apis/v2beta1/runs/{run}/nodes/{node}/artifacts/{name}:read"
    response = client._run_api.api_client.rest_client.GET(url, headers={"authorization": f"Bearer {TOKEN}"})
    return base64.b64decode(json.loads(response.data)["data"]).decode()


def scenario_metrics_and_logs():
    client = connect()
    result = client.create_run_from_pipeline_func(measured, arguments={}, namespace=NAMESPACE)
    run = result.wait_for_run_completion(timeout=PATIENCE)
    assert run.state == "SUCCEEDED", run.error
    entries = run.plugins_output["dais"].entries
    assert {name: entry.value for name, entry in entries.items()} == {"exit-handler-1/measure/scores/accuracy": 0.875}, entries
    assert json.loads(artifact(client, run.run_id, "exit-handler-1/measure", "scores")) == {"accuracy": 0.875}
    log = artifact(client, run.run_id, "exit-handler-1/measure", "main-logs")
    assert "it measures now" in log and "[KFP Executor" in log, log
    names = artifact(client, run.run_id, "exit-handler-1/measure", "names").split()
    assert names[0].startswith("measured-") and names[0] != run.display_name, names
    state = artifact(client, run.run_id, "report", "main-logs")
    assert f"FINAL COMPLETE {names[0]} exit-handler-1" in state, state


def scenario_reasons():
    client = connect()
    # The outbound guard refuses a package index inside the network.
    result = client.create_run_from_pipeline_func(from_index, arguments={}, namespace=NAMESPACE)
    run = result.wait_for_run_completion(timeout=PATIENCE)
    assert run.state == "FAILED" and "169.254.169.254" in run.error.message, run.error
    [task] = [task for task in run.run_details.task_details if task.display_name == "indexed"]
    assert task.state == "FAILED" and "169.254.169.254" in task.error.message and "allowHosts" in task.error.message, task
    assert task.error.message.startswith("The package index http://169.254.169.254/simple cannot be used: "), task
    assert task.state_history[-1].error.message == task.error.message, task
    assert "169.254.169.254" in artifact(client, run.run_id, "indexed", "main-logs")


def scenario_recurring_runs():
    client = connect()
    experiment = client.create_experiment("recurring", namespace=NAMESPACE).experiment_id
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(adds, folder)
        cron = client.create_recurring_run(
            experiment,
            "every morning",
            description="at nine",
            cron_expression="0 0 9 ? * 2-6",
            start_time="2030-01-01T00:00:00Z",
            params={"a": 2},
            pipeline_package_path=path,
            max_concurrency=3,
            no_catchup=True,
        )
        assert cron.trigger.cron_schedule.cron == "0 0 9 ? * 2-6" and cron.status == "ENABLED"
        assert cron.max_concurrency == "3" and cron.no_catchup and cron.mode == "ENABLE", cron
        hours = client.create_recurring_run(
            experiment, "every hour", interval_second=3600, pipeline_package_path=path, enabled=False
        )
        assert hours.trigger.periodic_schedule.interval_second == "3600" and hours.status == "DISABLED"
        refused(
            400,
            lambda: client.create_recurring_run(experiment, "never", cron_expression="soon", pipeline_package_path=path),
        )
    assert client.get_recurring_run(cron.recurring_run_id).description == "at nine"
    listed = client.list_recurring_runs(experiment_id=experiment, sort_by="display_name")
    assert [one.display_name for one in listed.recurring_runs] == ["every hour", "every morning"], listed
    assert listed.total_size == 2
    client.disable_recurring_run(cron.recurring_run_id)
    assert client.get_recurring_run(cron.recurring_run_id).status == "DISABLED"
    client.enable_recurring_run(cron.recurring_run_id)
    assert client.get_recurring_run(cron.recurring_run_id).status == "ENABLED"
    for one in [cron, hours]:
        client.delete_recurring_run(one.recurring_run_id)
    refused(404, lambda: client.get_recurring_run(cron.recurring_run_id))


def scenario_wrong_token():
    client = connect("dais_pat_wrong")
    refused(401, lambda: client.list_experiments(namespace=NAMESPACE or ""))


def main(names):
    scenarios = {
        name.removeprefix("scenario_"): act
        for name, act in inspect.getmembers(sys.modules[__name__], inspect.isfunction)
        if name.startswith("scenario_")
    }
    for name in names or scenarios:
        result = {"name": name}
        try:
            scenarios[name]()
        except Exception:
            result["error"] = traceback.format_exc()[-4000:]
        sys.stdout.write("\n" + json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

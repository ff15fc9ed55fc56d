"""The requests of the recorded corpus, by subject. Each group starts without data of the others."""

GROUPS = {}
V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"


def group(function):
    GROUPS[function.__name__.replace("_", "-")] = function
    return function


def experiment(ask, name, keep="exp"):
    ask(f"make {name}", "POST", f"{V2}/experiments/create", {"name": name}, keep={keep: "experiment_id"})


def run(ask, keep="run", exp="$exp", **more):
    body = {"experiment_id": exp, "run_name": f"run {keep}", "start_time": 1000, **more}
    ask(f"make {keep}", "POST", f"{V2}/runs/create", body, keep={keep: "run.info.run_id"})


@group
def experiments(ask):
    at = f"{V2}/experiments"
    tags = [{"key": "k", "value": "v"}]
    ask("create", "POST", f"{at}/create", {"name": "exps first", "tags": tags}, keep={"exp": "experiment_id"})
    ask("create again", "POST", f"{at}/create", {"name": "exps first"})
    ask("create without a name", "POST", f"{at}/create", {})
    ask("create with a number for a name", "POST", f"{at}/create", {"name": 7})
    ask("create with an empty name", "POST", f"{at}/create", {"name": ""})
    ask("create with a name of 501", "POST", f"{at}/create", {"name": "n" * 501})
    ask("create with no JSON", "POST", f"{at}/create", raw="no json")
    ask("create as a form", "POST", f"{at}/create", raw="{}", headers={"Content-Type": "text/plain"})
    ask("create with a place", "POST", f"{at}/create", {"name": "exps place", "artifact_location": "s3://bucket/x"}, keep={"place": "experiment_id"})
    ask("get with a place", "GET", f"{at}/get", query={"experiment_id": "$place"})
    ask("create with a place that has a fragment", "POST", f"{at}/create", {"name": "exps f", "artifact_location": "s3://b/x#y"})
    ask("create with a place in a run", "POST", f"{at}/create", {"name": "exps r", "artifact_location": "runs:/x"})
    ask("get", "GET", f"{at}/get", query={"experiment_id": "$exp"})
    ask("get one that is not there", "GET", f"{at}/get", query={"experiment_id": "999999999"})
    ask("get by a word", "GET", f"{at}/get", query={"experiment_id": "abc"})
    ask("get nothing", "GET", f"{at}/get")
    ask("get by name", "GET", f"{at}/get-by-name", query={"experiment_name": "exps first"})
    ask("get by an unknown name", "GET", f"{at}/get-by-name", query={"experiment_name": "exps nobody"})
    ask("tag", "POST", f"{at}/set-experiment-tag", {"experiment_id": "$exp", "key": "team", "value": "data"})
    ask("tag with a bad key", "POST", f"{at}/set-experiment-tag", {"experiment_id": "$exp", "key": "a@b", "value": "x"})
    ask("tag with a path", "POST", f"{at}/set-experiment-tag", {"experiment_id": "$exp", "key": "a/../b", "value": "x"})
    ask("tag with a key of 251", "POST", f"{at}/set-experiment-tag", {"experiment_id": "$exp", "key": "k" * 251, "value": "x"})
    ask("tag one that is not there", "POST", f"{at}/set-experiment-tag", {"experiment_id": "999999999", "key": "k", "value": "x"})
    ask("take a tag away", "POST", f"{at}/delete-experiment-tag", {"experiment_id": "$exp", "key": "k"})
    ask("take a tag away twice", "POST", f"{at}/delete-experiment-tag", {"experiment_id": "$exp", "key": "k"})
    ask("rename", "POST", f"{at}/update", {"experiment_id": "$exp", "new_name": "exps renamed"})
    ask("rename to a taken name", "POST", f"{at}/update", {"experiment_id": "$exp", "new_name": "exps place"})
    ask("rename without a name", "POST", f"{at}/update", {"experiment_id": "$exp"})
    ask("get renamed", "GET", f"{at}/get", query={"experiment_id": "$exp"})
    mine = {"filter": "name LIKE 'exps %'", "max_results": 10}
    ask("search", "POST", f"{at}/search", {**mine, "order_by": ["name DESC"]})
    ask("search one", "POST", f"{at}/search", {**mine, "max_results": 1, "order_by": ["name"]}, keep={"token": "next_page_token"})
    ask("search the next", "POST", f"{at}/search", {**mine, "max_results": 1, "order_by": ["name"], "page_token": "$token"})
    ask("search by tag", "GET", f"{at}/search", query={"filter": "tags.team = 'data'", "max_results": "5"})
    ask("search without a number", "POST", f"{at}/search", {"filter": "name = 'x'"})
    ask("search too many", "POST", f"{at}/search", {"max_results": 50001})
    ask("search with garbage for a token", "POST", f"{at}/search", {**mine, "page_token": "garbage!"})
    ask("search with OR", "POST", f"{at}/search", {**mine, "filter": "name = 'a' OR name = 'b'"})
    ask("search by an unknown key", "POST", f"{at}/search", {**mine, "filter": "colour = 'red'"})
    ask("search in an unknown order", "POST", f"{at}/search", {**mine, "order_by": ["colour"]})
    ask("delete", "POST", f"{at}/delete", {"experiment_id": "$exp"})
    ask("delete again", "POST", f"{at}/delete", {"experiment_id": "$exp"})
    ask("get deleted", "GET", f"{at}/get", query={"experiment_id": "$exp"})
    ask("rename deleted", "POST", f"{at}/update", {"experiment_id": "$exp", "new_name": "exps x"})
    ask("a run in a deleted one", "POST", f"{V2}/runs/create", {"experiment_id": "$exp", "start_time": 1})
    ask("search deleted", "POST", f"{at}/search", {**mine, "view_type": "DELETED_ONLY"})
    ask("restore", "POST", f"{at}/restore", {"experiment_id": "$exp"})
    ask("restore again", "POST", f"{at}/restore", {"experiment_id": "$exp"})


@group
def runs(ask):
    at = f"{V2}/runs"
    experiment(ask, "runs")
    tags = [{"key": "mlflow.user", "value": "u"}, {"key": "t", "value": "1"}]
    run(ask, tags=tags, user_id="u")
    ask("create in none", "POST", f"{at}/create", {"experiment_id": "999999999"})
    both = {"experiment_id": "$exp", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}
    ask("create with two names", "POST", f"{at}/create", both)
    ask("get", "GET", f"{at}/get", query={"run_id": "$run"})
    ask("get by its old name", "GET", f"{at}/get", query={"run_uuid": "$run"})
    ask("get nothing", "GET", f"{at}/get")
    ask("get one that is not there", "GET", f"{at}/get", query={"run_id": "0" * 32})
    ask("get by a path", "GET", f"{at}/get", query={"run_id": "../x"})
    for value in (1, 0.1, "NaN", "Infinity", True):
        body = {"run_id": "$run", "key": "m", "value": value, "timestamp": 1000, "step": 1}
        ask(f"log {value}", "POST", f"{at}/log-metric", body)
    ask("log text", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "m", "value": "abc", "timestamp": 1})
    ask("log nothing", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "m", "timestamp": 1})
    ask("log without a time", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "m", "value": 1})
    ask("log before 1970", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "m", "value": 1.5, "timestamp": -1})
    ask("log under a path", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "a/../b", "value": 1, "timestamp": 1})
    ask("log under a sign", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "a@b", "value": 1, "timestamp": 1})
    ask("log under a key of 251", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "k" * 251, "value": 1, "timestamp": 1})
    ask("log a parameter", "POST", f"{at}/log-parameter", {"run_id": "$run", "key": "p", "value": "1"})
    ask("log it again", "POST", f"{at}/log-parameter", {"run_id": "$run", "key": "p", "value": "1"})
    ask("change it", "POST", f"{at}/log-parameter", {"run_id": "$run", "key": "p", "value": "2"})
    ask("change it in a batch", "POST", f"{at}/log-batch", {"run_id": "$run", "params": [{"key": "p", "value": "3"}]})
    twice = [{"key": "q", "value": "1"}, {"key": "q", "value": "2"}]
    ask("a parameter twice in a batch", "POST", f"{at}/log-batch", {"run_id": "$run", "params": twice})
    many = [{"key": f"p{n}", "value": "1"} for n in range(101)]
    ask("101 parameters", "POST", f"{at}/log-batch", {"run_id": "$run", "params": many})
    ask("101 tags", "POST", f"{at}/log-batch", {"run_id": "$run", "tags": many})
    batch = {"metrics": [{"key": "acc", "value": 0.5, "timestamp": 2000, "step": 3}], "params": [{"key": "depth", "value": "3"}]}
    ask("a batch", "POST", f"{at}/log-batch", {"run_id": "$run", **batch, "tags": [{"key": "t", "value": "2"}]})
    ask("a metric without a key in a batch", "POST", f"{at}/log-batch", {"run_id": "$run", "metrics": [{"value": 1, "timestamp": 1}]})
    ask("set a tag", "POST", f"{at}/set-tag", {"run_id": "$run", "key": "mlflow.note.content", "value": "note"})
    ask("set a tag without a key", "POST", f"{at}/set-tag", {"run_id": "$run", "value": "x"})
    ask("take a tag away", "POST", f"{at}/delete-tag", {"run_id": "$run", "key": "mlflow.note.content"})
    ask("take it away twice", "POST", f"{at}/delete-tag", {"run_id": "$run", "key": "mlflow.note.content"})
    dataset = {"name": "flights", "digest": "abc", "source_type": "local", "source": "{}"}
    inputs = [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]
    ask("log inputs", "POST", f"{at}/log-inputs", {"run_id": "$run", "datasets": inputs})
    run(ask, keep="other")
    ask("log inputs without a name", "POST", f"{at}/log-inputs", {"run_id": "$other", "datasets": [{"dataset": {"digest": "x"}}]})
    ask("log a model that is none", "POST", f"{at}/log-model", {"run_id": "$run", "model_json": "no json"})
    ask("log a model that lacks fields", "POST", f"{at}/log-model", {"run_id": "$run", "model_json": "{\"run_id\": \"x\"}"})
    ask("end", "POST", f"{at}/update", {"run_id": "$run", "status": "FINISHED", "end_time": 9999})
    ask("an unknown status", "POST", f"{at}/update", {"run_id": "$run", "status": "RESTING"})
    ask("rename", "POST", f"{at}/update", {"run_id": "$run", "run_name": "renamed"})
    ask("get all of it", "GET", f"{at}/get", query={"run_id": "$run"})
    ask("delete", "POST", f"{at}/delete", {"run_id": "$run"})
    ask("delete again", "POST", f"{at}/delete", {"run_id": "$run"})
    ask("log to a deleted one", "POST", f"{at}/log-metric", {"run_id": "$run", "key": "m", "value": 1, "timestamp": 1})
    ask("tag a deleted one", "POST", f"{at}/set-tag", {"run_id": "$run", "key": "t", "value": "1"})
    ask("update a deleted one", "POST", f"{at}/update", {"run_id": "$run", "status": "FAILED"})
    ask("restore", "POST", f"{at}/restore", {"run_id": "$run"})
    ask("restore again", "POST", f"{at}/restore", {"run_id": "$run"})
    ask("delete one that is not there", "POST", f"{at}/delete", {"run_id": "0" * 32})


@group
def run_search(ask):
    experiment(ask, "run search")
    for n in (1, 2, 3):
        run(ask, keep=f"run{n}", user_id="u")
        metrics = [{"key": "m", "value": n / 2, "timestamp": 1000, "step": 0}]
        pairs = [{"key": "p", "value": str(n)}]
        body = {"run_id": f"$run{n}", "metrics": metrics, "params": pairs, "tags": [{"key": "colour", "value": "red" if n < 3 else "blue"}]}
        ask(f"log {n}", "POST", f"{V2}/runs/log-batch", body)
    inputs = [{"dataset": {"name": "flights", "digest": "abc", "source_type": "local", "source": "{}"}, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]
    ask("inputs", "POST", f"{V2}/runs/log-inputs", {"run_id": "$run1", "datasets": inputs})
    ask("end one", "POST", f"{V2}/runs/update", {"run_id": "$run2", "status": "FINISHED", "end_time": 5000})
    filters = """metrics.m > 0.5
metrics.m > '0.5'
params.p = '1'
params.p = 1
params.p LIKE '1%'
params.p ILIKE '1%'
params.p IS NOT NULL
params.q IS NULL
metrics.m IS NULL
tags.colour = 'red'
tags.`colour` != 'red'
tags."colour" = "red"
status = 'FINISHED'
attributes.status = 'RUNNING' and metrics.m < 1
attributes.end_time > 100
start_time = 1000
user_id = 'u'
run_name LIKE 'run run%'
run_id IN ('$run1', '$run3')
run_id NOT IN ('$run1')
status IN ('FINISHED')
dataset.name = 'flights'
datasets.context IN ('training', 'test')
foo.bar = 'x'
params.p = '1' OR params.p = '2'
not params.p = '1'
params.p = '1' and (params.p = '2')
params.p =
metrics.m >< 3
'; drop table runs; --"""
    for text in filters.split("\n"):
        body = {"experiment_ids": ["$exp"], "filter": text, "order_by": ["metrics.m"]}
        ask(f"filter {text}", "POST", f"{V2}/runs/search", body)
    for order in (["metrics.m DESC"], ["params.p"], ["attributes.end_time desc", "metrics.m"], ["tags.colour", "metrics.m DESC"], ["foo"], ["metrics.m", "metrics.m"]):
        ask(f"order {', '.join(order)}", "POST", f"{V2}/runs/search", {"experiment_ids": ["$exp"], "order_by": order, "max_results": 2})
    of = {"experiment_ids": ["$exp"], "order_by": ["metrics.m"], "max_results": 2}
    ask("page", "POST", f"{V2}/runs/search", of, keep={"token": "next_page_token"})
    ask("next page", "POST", f"{V2}/runs/search", {**of, "page_token": "$token"})
    ask("garbage for a token", "POST", f"{V2}/runs/search", {**of, "page_token": "garbage!"})
    ask("none at most", "POST", f"{V2}/runs/search", {**of, "max_results": 0})
    ask("50,001 at most", "POST", f"{V2}/runs/search", {**of, "max_results": 50001})
    ask("in no experiment", "POST", f"{V2}/runs/search", {})
    ask("only deleted", "POST", f"{V2}/runs/search", {**of, "run_view_type": "DELETED_ONLY"})


@group
def metrics(ask):
    at = f"{V2}/metrics"
    experiment(ask, "metrics")
    run(ask)
    run(ask, keep="other")
    for n in range(5):
        ask(f"log {n}", "POST", f"{V2}/runs/log-metric", {"run_id": "$run", "key": "m", "value": n / 4, "timestamp": 1000 + n, "step": n})
    ask("log to the other", "POST", f"{V2}/runs/log-metric", {"run_id": "$other", "key": "m", "value": 9, "timestamp": 1, "step": 2})
    ask("history", "GET", f"{at}/get-history", query={"run_id": "$run", "metric_key": "m", "max_results": "100"})
    ask("history of two", "GET", f"{at}/get-history", query={"run_id": "$run", "metric_key": "m", "max_results": "2"}, keep={"token": "next_page_token"})
    ask("history after them", "GET", f"{at}/get-history", query={"run_id": "$run", "metric_key": "m", "max_results": "2", "page_token": "$token"})
    ask("history of an unknown key", "GET", f"{at}/get-history", query={"run_id": "$run", "metric_key": "x", "max_results": "5"})
    ask("history without a key", "GET", f"{at}/get-history", query={"run_id": "$run"})
    ask("history of no run", "GET", f"{at}/get-history", query={"run_id": "0" * 32, "metric_key": "m", "max_results": "5"})
    bulk = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    ask("bulk", "GET", bulk, query={"run_id": ["$run", "$other"], "metric_key": "m"})
    ask("bulk of one run, two at most", "GET", bulk, query={"run_id": ["$run"], "metric_key": "m", "max_results": "2"})
    ask("bulk of an unknown key", "GET", bulk, query={"run_id": ["$run"], "metric_key": "x"})
    ask("bulk of no run", "GET", bulk, query={"metric_key": "m"})
    ask("bulk without a key", "GET", bulk, query={"run_id": "$run"})
    ask("bulk of 101 runs", "GET", bulk, query={"run_id": ["$run"] * 101, "metric_key": "m"})
    ask("bulk with a word for a number", "GET", bulk, query={"run_id": "$run", "metric_key": "m", "max_results": "many"})
    sampled = f"{at}/get-history-bulk-interval"
    ask("interval", "GET", sampled, query={"run_ids": ["$run"], "metric_key": "m", "max_results": "10"})
    ask("interval of steps", "GET", sampled, query={"run_ids": ["$run"], "metric_key": "m", "start_step": "1", "end_step": "3"})
    ask("interval by the pages' address", "GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", query={"run_ids": ["$run"], "metric_key": "m"})
    ask("interval with one end", "GET", sampled, query={"run_ids": ["$run"], "metric_key": "m", "start_step": "1"})
    ask("interval backwards", "GET", sampled, query={"run_ids": ["$run"], "metric_key": "m", "start_step": "3", "end_step": "1"})
    ask("interval of 2,501", "GET", sampled, query={"run_ids": ["$run"], "metric_key": "m", "max_results": "2501"})
    ask("interval of 101 runs", "GET", sampled, query={"run_ids": ["$run"] * 101, "metric_key": "m"})


@group
def logged_models(ask):
    at = f"{V2}/logged-models"
    experiment(ask, "logged models")
    run(ask)
    params, tags = [{"key": "depth", "value": "3"}], [{"key": "t", "value": "1"}]
    body = {"experiment_id": "$exp", "name": "net", "model_type": "sklearn", "source_run_id": "$run", "params": params, "tags": tags}
    ask("create", "POST", at, body, keep={"model": "model.info.model_id"})
    ask("create with a slash", "POST", at, {"experiment_id": "$exp", "name": "a/b"})
    ask("create without an experiment", "POST", at, {"name": "a"})
    ask("create in none", "POST", at, {"experiment_id": "999999999", "name": "a"})
    ask("get", "GET", f"{at}/$model")
    ask("get one that is not there", "GET", f"{at}/m-{'0' * 32}")
    ask("finalize", "PATCH", f"{at}/$model", {"model_id": "$model", "status": "LOGGED_MODEL_READY"})
    ask("finalize without a status", "PATCH", f"{at}/$model", {"model_id": "$model"})
    ask("set tags", "PATCH", f"{at}/$model/tags", {"tags": [{"key": "u", "value": "2"}]})
    ask("take a tag away", "DELETE", f"{at}/$model/tags/u")
    ask("take it away twice", "DELETE", f"{at}/$model/tags/u")
    ask("add parameters", "POST", f"{at}/$model/params", {"model_id": "$model", "params": [{"key": "rate", "value": "0.1"}]})
    ask("measure", "POST", f"{V2}/runs/log-metric", {"run_id": "$run", "key": "acc", "value": 0.5, "timestamp": 1000, "step": 1, "model_id": "$model", "dataset_name": "d", "dataset_digest": "x"})
    ask("get all of it", "GET", f"{at}/$model")
    ask("outputs", "POST", f"{V2}/runs/outputs", {"run_id": "$run", "models": [{"model_id": "$model", "step": 1}]})
    of = {"experiment_ids": ["$exp"]}
    for text in ("metrics.acc > 0.4", "params.depth = '3'", "tags.t = '1'", "name LIKE 'n%'", "attributes.status = 'READY'", "colour = 'red'", "name = 'x' OR name = 'y'"):
        ask(f"filter {text}", "POST", f"{at}/search", {**of, "filter": text})
    ask("search on a dataset", "POST", f"{at}/search", {**of, "filter": "metrics.acc > 0.4", "datasets": [{"dataset_name": "other"}]})
    ask("order by a metric", "POST", f"{at}/search", {**of, "order_by": [{"field_name": "metrics.acc", "ascending": False}]})
    ask("order by nothing known", "POST", f"{at}/search", {**of, "order_by": [{"field_name": "colour"}]})
    ask("list its files", "GET", f"{at}/$model/artifacts/directories")
    ask("delete", "DELETE", f"{at}/$model")
    ask("get deleted", "GET", f"{at}/$model")
    ask("search nothing", "POST", f"{at}/search", of)


@group
def registry(ask):
    at, versions = f"{V2}/registered-models", f"{V2}/model-versions"
    experiment(ask, "registry")
    run(ask)
    ask("create", "POST", f"{at}/create", {"name": "delays", "description": "d", "tags": [{"key": "t", "value": "1"}]})
    ask("create again", "POST", f"{at}/create", {"name": "delays"})
    ask("create without a name", "POST", f"{at}/create", {})
    ask("create with a slash", "POST", f"{at}/create", {"name": "a/b"})
    ask("get", "GET", f"{at}/get", query={"name": "delays"})
    ask("get one that is not there", "GET", f"{at}/get", query={"name": "nobody"})
    ask("update", "PATCH", f"{at}/update", {"name": "delays", "description": "other"})
    ask("set a tag", "POST", f"{at}/set-tag", {"name": "delays", "key": "u", "value": "2"})
    ask("take a tag away", "DELETE", f"{at}/delete-tag", {"name": "delays", "key": "u"})
    source = "mlflow-artifacts:/$exp/$run/artifacts/model"
    ask("create a version", "POST", f"{versions}/create", {"name": "delays", "source": source, "run_id": "$run", "description": "first"})
    ask("create another", "POST", f"{versions}/create", {"name": "delays", "source": "s3://bucket/model", "tags": [{"key": "t", "value": "1"}]})
    ask("create a version of none", "POST", f"{versions}/create", {"name": "nobody", "source": source, "run_id": "$run"})
    ask("create a version without a source", "POST", f"{versions}/create", {"name": "delays"})
    ask("create a version from a file", "POST", f"{versions}/create", {"name": "delays", "source": "/etc/passwd"})
    ask("get a version", "GET", f"{versions}/get", query={"name": "delays", "version": "1"})
    ask("get version 99", "GET", f"{versions}/get", query={"name": "delays", "version": "99"})
    ask("get version abc", "GET", f"{versions}/get", query={"name": "delays", "version": "abc"})
    ask("where it lies", "GET", f"{versions}/get-download-uri", query={"name": "delays", "version": "1"})
    ask("update a version", "PATCH", f"{versions}/update", {"name": "delays", "version": "1", "description": "changed"})
    ask("tag a version", "POST", f"{versions}/set-tag", {"name": "delays", "version": "1", "key": "k", "value": "v"})
    ask("untag a version", "DELETE", f"{versions}/delete-tag", {"name": "delays", "version": "1", "key": "k"})
    ask("set an alias", "POST", f"{at}/alias", {"name": "delays", "alias": "champion", "version": "1"})
    ask("set the alias latest", "POST", f"{at}/alias", {"name": "delays", "alias": "latest", "version": "1"})
    ask("set the alias v1", "POST", f"{at}/alias", {"name": "delays", "alias": "v1", "version": "1"})
    ask("set an alias with a space", "POST", f"{at}/alias", {"name": "delays", "alias": "a b", "version": "1"})
    ask("set an alias to version 99", "POST", f"{at}/alias", {"name": "delays", "alias": "other", "version": "99"})
    ask("get by alias", "GET", f"{at}/alias", query={"name": "delays", "alias": "champion"})
    ask("get by an unknown alias", "GET", f"{at}/alias", query={"name": "delays", "alias": "nobody"})
    ask("take the alias away", "DELETE", f"{at}/alias", {"name": "delays", "alias": "champion"})
    stage = {"name": "delays", "version": "1", "archive_existing_versions": False}
    ask("to a stage", "POST", f"{versions}/transition-stage", {**stage, "stage": "staging"})
    ask("to an unknown stage", "POST", f"{versions}/transition-stage", {**stage, "stage": "resting"})
    ask("latest versions", "POST", f"{at}/get-latest-versions", {"name": "delays"})
    ask("latest versions of a stage", "GET", f"{at}/get-latest-versions", query={"name": "delays", "stages": "Staging"})
    ask("search", "GET", f"{at}/search", query={"filter": "name = 'delays'"})
    ask("search too many", "GET", f"{at}/search", query={"max_results": "1001"})
    ask("search by an unknown key", "GET", f"{at}/search", query={"filter": "colour = 'red'"})
    ask("search versions", "GET", f"{versions}/search", query={"filter": "name = 'delays'", "order_by": "version_number ASC"})
    ask("search versions by run", "GET", f"{versions}/search", query={"filter": "run_id = '$run'"})
    ask("rename", "POST", f"{at}/rename", {"name": "delays", "new_name": "late"})
    ask("delete a version", "DELETE", f"{versions}/delete", {"name": "late", "version": "2"})
    ask("get a deleted version", "GET", f"{versions}/get", query={"name": "late", "version": "2"})
    ask("delete", "DELETE", f"{at}/delete", {"name": "late"})
    ask("delete again", "DELETE", f"{at}/delete", {"name": "late"})


@group
def prompts(ask):
    at, versions = f"{V2}/registered-models", f"{V2}/model-versions"
    is_prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    ask("create", "POST", f"{at}/create", {"name": "greeting", "tags": [is_prompt, {"key": "team", "value": "a"}]})
    ask("create again", "POST", f"{at}/create", {"name": "greeting", "tags": [is_prompt]})
    ask("create a model of that name", "POST", f"{at}/create", {"name": "greeting"})
    text = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}
    ask("create a version", "POST", f"{versions}/create", {"name": "greeting", "source": "prompt-template", "tags": [is_prompt, text], "description": "first"})
    ask("get", "GET", f"{at}/get", query={"name": "greeting"})
    ask("get a version", "GET", f"{versions}/get", query={"name": "greeting", "version": "1"})
    ask("set an alias", "POST", f"{at}/alias", {"name": "greeting", "alias": "live", "version": "1"})
    ask("get by alias", "GET", f"{at}/alias", query={"name": "greeting", "alias": "live"})
    ask("search models", "GET", f"{at}/search", query={"filter": "name = 'greeting'"})
    ask("search prompts", "GET", f"{at}/search", query={"filter": "name = 'greeting' AND tags.`mlflow.prompt.is_prompt` = 'true'"})
    ask("search versions of prompts", "GET", f"{versions}/search", query={"filter": "name = 'greeting' AND tags.`mlflow.prompt.is_prompt` = 'true'"})
    ask("delete", "DELETE", f"{at}/delete", {"name": "greeting"})


@group
def artifacts(ask):
    experiment(ask, "artifacts")
    run(ask)
    proxy = "/api/2.0/mlflow-artifacts/artifacts"
    ask("upload", "PUT", f"{proxy}/$exp/$run/artifacts/a/hello.txt", raw="hello", headers={"Content-Type": "text/plain"})
    ask("download", "GET", f"{proxy}/$exp/$run/artifacts/a/hello.txt")
    ask("download what is not there", "GET", f"{proxy}/$exp/$run/artifacts/none.txt")
    ask("list by proxy", "GET", proxy, query={"path": "$exp/$run/artifacts"})
    ask("list", "GET", f"{V2}/artifacts/list", query={"run_id": "$run"})
    ask("list a folder", "GET", f"{V2}/artifacts/list", query={"run_id": "$run", "path": "a"})
    ask("list above", "GET", f"{V2}/artifacts/list", query={"run_id": "$run", "path": "../.."})
    ask("list of no run", "GET", f"{V2}/artifacts/list", query={"run_id": "0" * 32})
    ask("download as pages do", "GET", "/get-artifact", query={"run_id": "$run", "path": "a/hello.txt"})
    ask("download above", "GET", "/get-artifact", query={"run_id": "$run", "path": "../x"})
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    ask("upload as pages do", "POST", upload, query={"run_uuid": "$run", "path": "b/note.txt"}, raw="note", headers={"Content-Type": "text/plain"})
    ask("upload for no run", "POST", upload, query={"path": "x"}, raw="note", headers={"Content-Type": "text/plain"})
    ask("upload without a path", "POST", upload, query={"run_uuid": "$run"}, raw="note", headers={"Content-Type": "text/plain"})
    ask("upload nothing", "POST", upload, query={"run_uuid": "$run", "path": "x"}, raw="", headers={"Content-Type": "text/plain"})
    ask("upload above", "POST", upload, query={"run_uuid": "$run", "path": "../x"}, raw="note", headers={"Content-Type": "text/plain"})
    ask("download the note", "GET", "/get-artifact", query={"run_id": "$run", "path": "b/note.txt"})
    ask("create a model", "POST", f"{V2}/registered-models/create", {"name": "files"})
    ask("create a version", "POST", f"{V2}/model-versions/create", {"name": "files", "source": "mlflow-artifacts:/$exp/$run/artifacts/a", "run_id": "$run"})
    of = "/model-versions/get-artifact"
    ask("download of a version", "GET", of, query={"name": "files", "version": "1", "path": "hello.txt"})
    ask("download of no version", "GET", of, query={"name": "files", "version": "9", "path": "hello.txt"})
    ask("download above a version", "GET", of, query={"name": "files", "version": "1", "path": "../../x"})
    ask("make a logged model", "POST", f"{V2}/logged-models", {"experiment_id": "$exp", "name": "net"}, keep={"model": "model.info.model_id"})
    ask("upload for it", "PUT", f"{proxy}/$exp/models/$model/artifacts/MLmodel", raw="flavors: {}", headers={"Content-Type": "text/plain"})
    ask("list of a logged model", "GET", f"{V2}/logged-models/$model/artifacts/directories")
    files = "/ajax-api/2.0/mlflow/logged-models/$model/artifacts/files"
    ask("download of a logged model", "GET", files, query={"artifact_file_path": "MLmodel"})
    ask("download of a logged model without a path", "GET", files)
    ask("delete", "DELETE", f"{proxy}/$exp/$run/artifacts/a/hello.txt")
    datasets = "/ajax-api/2.0/mlflow/experiments/search-datasets"
    ask("no datasets", "POST", datasets, {"experiment_ids": ["$exp"]})
    inputs = [{"dataset": {"name": "flights", "digest": "abcdef", "source_type": "local", "source": "{}"}, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]
    ask("log inputs", "POST", f"{V2}/runs/log-inputs", {"run_id": "$run", "datasets": inputs})
    ask("datasets", "POST", datasets, {"experiment_ids": ["$exp"]})
    ask("datasets of nothing", "POST", datasets, {})
    ask("datasets of 21", "POST", datasets, {"experiment_ids": ["$exp"] * 21})


@group
def evaluation_datasets(ask):
    at = f"{V3}/datasets"
    experiment(ask, "evaluation datasets")
    experiment(ask, "evaluation datasets 2", keep="second")
    tags = '{"team": "a", "mlflow.user": "jo"}'
    ask("create", "POST", f"{at}/create", {"name": "questions", "experiment_ids": ["$exp"], "tags": tags}, keep={"set": "dataset.dataset_id"})
    ask("create without a name", "POST", f"{at}/create", {})
    ask("create with a number for a name", "POST", f"{at}/create", {"name": 7})
    ask("create with tags that are no JSON", "POST", f"{at}/create", {"name": "x", "tags": "{"})
    ask("create of the same name", "POST", f"{at}/create", {"name": "questions"}, keep={"twin": "dataset.dataset_id"})
    ask("get", "GET", f"{at}/$set")
    ask("get one that is not there", "GET", f"{at}/d-none")
    first = '[{"inputs": {"q": "one", "n": 1}, "outputs": {"a": "1"}, "expectations": {"answer": "1"}, "tags": {"mlflow.user": "jo", "x": "1"}}]'
    ask("add a record", "POST", f"{at}/$set/records", {"records": first})
    inputs = '{"q": "two", "f": 1.5, "list": [1], "map": {}, "none": null, "yes": true}'
    source = '{"source_type": "trace", "source_data": {"trace_id": "tr-1"}}'
    ask("add another", "POST", f"{at}/$set/records", {"records": f'[{{"inputs": {inputs}, "outputs": "text", "source": {source}}}]'})
    ask("add one of an unknown source", "POST", f"{at}/$set/records", {"records": '[{"inputs": {"q": 1}, "source": {"source_type": "BIRD"}}]'})
    ask("records", "GET", f"{at}/$set/records", query={"max_results": "1"}, keep={"token": "next_page_token"})
    ask("more records", "GET", f"{at}/$set/records", query={"max_results": "1", "page_token": "$token"})
    merged = '[{"inputs": {"n": 1, "q": "one"}, "expectations": {"answer": "I", "more": "x"}, "tags": {"y": "2"}}, {"inputs": {"q": "three"}}]'
    ask("merge records", "POST", f"{at}/$set/records", {"records": merged})
    ask("get with records", "GET", f"{at}/$set")
    ask("merge without records", "POST", f"{at}/$set/records", {})
    ask("merge what is no JSON", "POST", f"{at}/$set/records", {"records": "no json"})
    ask("merge into none", "POST", f"{at}/d-none/records", {"records": "[]"})
    ask("records of none", "GET", f"{at}/d-none/records")
    ask("delete no records", "DELETE", f"{at}/$set/records", {"dataset_record_ids": ["dr-none"]})
    ask("set tags", "PATCH", f"{at}/$set/tags", {"tags": '{"team": "b", "n": 1, "gone": null}'})
    ask("set tags of none", "PATCH", f"{at}/d-none/tags", {"tags": '{"a": "b"}'})
    ask("set no tags", "PATCH", f"{at}/$set/tags", {})
    ask("take a tag away", "DELETE", f"{at}/$set/tags/n")
    ask("take it away twice", "DELETE", f"{at}/$set/tags/n")
    ask("get with tags", "GET", f"{at}/$set")
    ask("experiments", "GET", f"{at}/$set/experiment-ids")
    ask("add an experiment", "POST", f"{at}/$set/add-experiments", {"experiment_ids": ["$second", "$exp"]})
    ask("add one that is not there", "POST", f"{at}/$set/add-experiments", {"experiment_ids": ["999999999"]})
    ask("add to none", "POST", f"{at}/d-none/add-experiments", {"experiment_ids": ["$exp"]})
    ask("remove an experiment", "POST", f"{at}/$set/remove-experiments", {"experiment_ids": ["$exp"]})
    ask("experiments now", "GET", f"{at}/$set/experiment-ids")
    ask("search", "POST", f"{at}/search", {"experiment_ids": ["$second"]})
    ask("search by name", "POST", f"{at}/search", {"filter_string": "name = 'questions'", "order_by": ["created_time ASC"], "max_results": 1}, keep={"page": "next_page_token"})
    ask("search the next", "POST", f"{at}/search", {"filter_string": "name = 'questions'", "order_by": ["created_time ASC"], "max_results": 1, "page_token": "$page"})
    for text in ("tags.team = 'b'", "name LIKE 'quest%' AND created_by = 'jo'", "created_time > 1000", "last_updated_by = 'jo'", "name IN ('questions')", "colour = 'red'", "name = 'a' OR name = 'b'", "created_time > 'x'"):
        ask(f"filter {text}", "GET", f"{at}/search", query={"filter_string": f"{text}", "order_by": "name DESC", "experiment_ids": "$second"})
    ask("order by nothing known", "POST", f"{at}/search", {"order_by": ["colour"]})
    ask("search too many", "POST", f"{at}/search", {"max_results": 1001})
    ask("garbage for a token", "POST", f"{at}/search", {"page_token": "garbage!"})
    ask("delete", "DELETE", f"{at}/$set")
    ask("delete again", "DELETE", f"{at}/$set")
    ask("get deleted", "GET", f"{at}/$set")


@group
def scorers(ask):
    at = f"{V3}/scorers"
    experiment(ask, "scorers")
    scorer = {"name": "safety", "mlflow_version": "3.18.0", "serialization_version": 1, "builtin_scorer_class": "Safety", "builtin_scorer_pydantic_data": {"name": "safety"}}
    import json

    body = {"experiment_id": "$exp", "name": "safety", "serialized_scorer": json.dumps(scorer)}
    ask("register", "POST", f"{at}/register", body, keep={"scorer": "scorer_id"})
    ask("register again", "POST", f"{at}/register", body)
    ask("register another", "POST", f"{at}/register", {**body, "name": "clarity"}, keep={"clarity": "scorer_id"})
    ask("register without a name", "POST", f"{at}/register", {"experiment_id": "$exp", "serialized_scorer": "{}"})
    ask("register blanks", "POST", f"{at}/register", {**body, "name": "  "})
    ask("register no JSON", "POST", f"{at}/register", {**body, "serialized_scorer": "no json"})
    ask("register in none", "POST", f"{at}/register", {**body, "experiment_id": "999999999"})
    ask("list", "GET", f"{at}/list", query={"experiment_id": "$exp"})
    ask("list of several", "GET", f"{at}/list", query={"experiment_ids": ["$exp"]})
    ask("list both ways", "GET", f"{at}/list", query={"experiment_ids": ["$exp"], "experiment_id": "$exp"})
    ask("list in none", "GET", f"{at}/list", query={"experiment_id": "999999999"})
    ask("versions", "GET", f"{at}/versions", query={"experiment_id": "$exp", "name": "safety"})
    ask("versions of an unknown one", "GET", f"{at}/versions", query={"experiment_id": "$exp", "name": "none"})
    ask("get", "GET", f"{at}/get", query={"experiment_id": "$exp", "name": "safety"})
    ask("get the first", "GET", f"{at}/get", query={"experiment_id": "$exp", "name": "safety", "version": "1"})
    ask("get version 9", "GET", f"{at}/get", query={"experiment_id": "$exp", "name": "safety", "version": "9"})
    ask("get an unknown one", "GET", f"{at}/get", query={"experiment_id": "$exp", "name": "none"})
    ask("get without a name", "GET", f"{at}/get", query={"experiment_id": "$exp"})
    ask("get version x", "GET", f"{at}/get", query={"experiment_id": "$exp", "name": "safety", "version": "x"})
    ask("online configurations", "GET", f"{at}/online-configs", query={"scorer_ids": ["$scorer", "$clarity"]})
    ask("delete a version", "DELETE", f"{at}/delete", {"experiment_id": "$exp", "name": "safety", "version": 2})
    ask("delete it again", "DELETE", f"{at}/delete", {"experiment_id": "$exp", "name": "safety", "version": 2})
    ask("versions left", "GET", f"{at}/versions", query={"experiment_id": "$exp", "name": "safety"})
    ask("delete all", "DELETE", f"{at}/delete", {"experiment_id": "$exp", "name": "safety"})
    ask("delete all again", "DELETE", f"{at}/delete", {"experiment_id": "$exp", "name": "safety"})
    ask("list now", "GET", f"{at}/list", query={"experiment_id": "$exp"})

"""Evaluation datasets, scorers, all prompt functions, and workspaces."""

import os

from scenario import fresh, refused, scenario

import mlflow
from mlflow import MlflowClient

RECORDS = [
    {"inputs": {"question": "What is MLflow?"}, "expectations": {"answer": "a platform"}, "tags": {"level": "easy"}},
    {"inputs": {"question": "And Dais?", "context": ["docs", 3]}, "expectations": {"score": 0.5}},
]


@scenario(since=(3, 4))
def evaluation_datasets():
    from mlflow.genai import datasets

    first, second = (mlflow.create_experiment(fresh()) for _ in range(2))
    name = fresh("questions")
    made = datasets.create_dataset(name=name, experiment_id=first, tags={"team": "a"})
    assert made.dataset_id.startswith("d-") and made.name == name and made.experiment_ids == [first]
    assert made.tags["team"] == "a" and made.profile is None
    digest = made.digest
    made.merge_records(RECORDS)
    made.merge_records([{"inputs": RECORDS[0]["inputs"], "expectations": {"length": "short"}}])
    found = datasets.get_dataset(dataset_id=made.dataset_id)
    table = found.to_df()
    assert len(table) == 2 and '"num_records": 2' in found.profile.replace('":2', '": 2')
    assert table["inputs"].tolist() == [one["inputs"] for one in RECORDS]
    assert table["expectations"].tolist()[0] == {"answer": "a platform", "length": "short"}
    assert table["tags"].tolist()[0]["level"] == "easy"
    assert set(table["source_type"]) <= {"HUMAN", "CODE", None}
    assert "question" in found.schema and found.digest != digest
    datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"team": "b", "more": "x"})
    datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="more")
    tags = datasets.get_dataset(dataset_id=made.dataset_id).tags
    assert tags["team"] == "b" and "more" not in tags
    by_tag = datasets.search_datasets(experiment_ids=[first], filter_string="tags.team = 'b'", order_by=["name DESC"])
    assert [one.dataset_id for one in by_tag] == [made.dataset_id]
    assert list(datasets.search_datasets(filter_string=f"name = '{name}' AND tags.team = 'a'")) == []
    assert [one.name for one in datasets.search_datasets(filter_string=f"name LIKE '{name[:20]}%'")] == [name]
    datasets.delete_dataset(dataset_id=made.dataset_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: datasets.get_dataset(dataset_id=made.dataset_id))
    refused("INVALID_PARAMETER_VALUE", lambda: list(datasets.search_datasets(filter_string="colour = 'red'")))


@scenario(since=(3, 5))
def evaluation_datasets_of_many():
    from mlflow.genai import datasets

    first, second = (mlflow.create_experiment(fresh()) for _ in range(2))
    made = datasets.create_dataset(name=fresh("many"), experiment_id=[first])
    datasets.add_dataset_to_experiments(dataset_id=made.dataset_id, experiment_ids=[second])
    assert set(datasets.get_dataset(dataset_id=made.dataset_id).experiment_ids) == {first, second}
    datasets.remove_dataset_from_experiments(dataset_id=made.dataset_id, experiment_ids=[first])
    assert datasets.get_dataset(dataset_id=made.dataset_id).experiment_ids == [second]
    made.merge_records([{"inputs": {"n": n}, "expectations": {"twice": 2 * n}} for n in range(2500)])
    found = datasets.get_dataset(dataset_id=made.dataset_id)
    table = found.to_df()
    assert [one["n"] for one in table["inputs"]] == list(range(2500))
    if hasattr(found, "delete_records"):
        ids = table["dataset_record_id"].tolist()[:2]
        assert found.delete_records(ids) == 2 and len(found.to_df()) == 2498


@scenario(since=(3, 4))
def scorers():
    from mlflow.genai.scorers import Guidelines, delete_scorer, get_scorer, list_scorers

    experiment = mlflow.set_experiment(fresh())
    polite = Guidelines(name="polite", guidelines=["Be polite."], model="openai:/gpt-4o-mini")
    polite.register(name="polite", experiment_id=experiment.experiment_id)
    stricter = Guidelines(name="polite", guidelines=["Be very polite."], model="openai:/gpt-4o-mini")
    stricter.register(name="polite", experiment_id=experiment.experiment_id)
    of = {"experiment_id": experiment.experiment_id}
    assert get_scorer(name="polite", **of).guidelines == ["Be very polite."]
    assert get_scorer(name="polite", version=1, **of).guidelines == ["Be polite."]
    assert [one.name for one in list_scorers(**of)] == ["polite"]
    delete_scorer(name="polite", version=2, **of)
    assert get_scorer(name="polite", **of).guidelines == ["Be polite."]
    delete_scorer(name="polite", version="all", **of)
    assert list(list_scorers(**of)) == []
    refused("RESOURCE_DOES_NOT_EXIST", lambda: get_scorer(name="polite", **of))


@scenario(since=(3, 10))
def prompts_in_all_they_do():
    name = fresh("chat")
    chat = [{"role": "system", "content": "You are {{who}}."}, {"role": "user", "content": "{{question}}"}]
    made = mlflow.genai.register_prompt(name, chat, response_format={"type": "object"}, tags={"kind": "chat"})
    loaded = mlflow.genai.load_prompt(name, version=made.version)
    assert loaded.template == chat and loaded.response_format == {"type": "object"}
    assert loaded.format(who="a bird", question="?")[0]["content"] == "You are a bird."
    mlflow.genai.set_prompt_version_tag(name, made.version, "state", "tried")
    assert mlflow.genai.load_prompt(name, version=made.version).tags["state"] == "tried"
    mlflow.genai.delete_prompt_version_tag(name, made.version, "state")
    mlflow.genai.set_prompt_tag(name, "team", "a")
    assert mlflow.genai.get_prompt_tags(name)["team"] == "a"
    mlflow.genai.delete_prompt_tag(name, "team")
    assert "team" not in mlflow.genai.get_prompt_tags(name)
    mlflow.genai.set_prompt_alias(name, "live", made.version)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live").version == made.version
    mlflow.genai.delete_prompt_alias(name, "live")
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live", allow_missing=True) is None
    assert mlflow.genai.load_prompt(f"prompts:/{fresh()}/1", allow_missing=True) is None
    client = MlflowClient()
    second = mlflow.genai.register_prompt(name, "Other {{text}}")
    assert [int(one.version) for one in client.search_prompt_versions(name)] in ([2, 1], [1, 2])
    client.delete_prompt_version(name, str(second.version))
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model(name))
    client.delete_prompt_version(name, str(made.version))
    client.delete_prompt(name)
    assert list(mlflow.genai.search_prompts(f"name = '{name}'")) == []


@scenario(since=(3, 17))
def reviews_of_traces():
    from mlflow.genai import label_schemas, review_queues

    experiment = mlflow.set_experiment(fresh()).experiment_id
    with mlflow.start_span(name="answer") as span:
        span.set_inputs("why?")
    mlflow.flush_trace_async_logging()
    right = label_schemas.create_label_schema(
        "right", type="feedback", input=label_schemas.InputCategorical(options=["yes", "no"]), experiment_id=experiment
    )
    assert label_schemas.get_label_schema(schema_id=right.schema_id) == right
    assert [one.name for one in label_schemas.list_label_schemas(experiment_id=experiment)] == ["right", "Feedback"]
    queue = review_queues.create_review_queue(
        "hard", queue_type="custom", users=["Ann"], schema_ids=[right.schema_id], experiment_id=experiment
    )
    assert review_queues.get_review_queue(queue_id=queue.queue_id) == queue and queue.users == ["ann"]
    assert review_queues.get_or_create_user_queue("bob", experiment_id=experiment).name == "bob"
    review_queues.add_items_to_review_queue(queue.queue_id, item_ids=[span.trace_id])
    done = review_queues.set_review_queue_item_status(
        queue.queue_id, item_id=span.trace_id, status="complete", completed_by="Ann"
    )
    assert (done.status, done.completed_by) == ("complete", "ann")
    listed = review_queues.list_review_queue_items(queue.queue_id, status="complete")
    assert [one.item_id for one in listed] == [span.trace_id]
    review_queues.delete_review_queue(queue.queue_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: review_queues.get_review_queue(queue_id=queue.queue_id))


@scenario(since=(3, 10))
def workspaces():
    assert "default" in [one.name for one in mlflow.list_workspaces()]
    assert mlflow.get_workspace("default").name == "default"
    refused("RESOURCE_DOES_NOT_EXIST", lambda: mlflow.get_workspace("nobody-has-this"))
    if "/p/" in os.environ["MLFLOW_TRACKING_URI"]:
        return
    name = fresh()
    here = mlflow.create_experiment(name)
    mlflow.set_workspace("team")
    try:
        assert mlflow.get_experiment_by_name(name) is None
        mlflow.create_experiment(name)
    finally:
        mlflow.set_workspace(None)
    assert mlflow.get_experiment_by_name(name).experiment_id == here

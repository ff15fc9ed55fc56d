"""Traces, evaluation datasets and scorers for `transfer_compare.py`: what a server says of them, made comparable."""

import json

from mlflow.tracking._tracking_service.utils import _get_store

# Maps as JSON texts: spaces in them are the server's.
MAPS = {"mlflow.trace.tokenUsage", "mlflow.trace.cost"}
# Where spans lie is the server's business.
PLACES = {"mlflow.trace.spansLocation"}


def mapped(told, values):
    return {
        key: json.loads(value) if key in MAPS else told.text(value)
        for key, value in values.items()
        if key not in PLACES and not key.startswith("dais.")
    }


def span_of(span):
    return {
        "name": span.name,
        "type": span.span_type,
        "parent": span.parent_id,
        "times": [span.start_time_ns, span.end_time_ns],
        "status": [str(span.status.status_code), span.status.description],
        # NaN is not NaN, and its text is.
        "attributes": {key: repr(value) for key, value in span.attributes.items()},
        "events": [[one.name, one.timestamp, one.attributes] for one in span.events],
        "links": [[one.trace_id, one.span_id, one.attributes] for one in span.links],
    }


def assessment_of(one):
    told = one.to_dictionary()
    told.pop("trace_id", None)
    return told


def every_trace(told, experiment, filter_string=None, spans=False):
    token = None
    while True:
        page = told.client.search_traces(
            locations=[experiment.experiment_id], filter_string=filter_string, max_results=100, page_token=token,
            order_by=["timestamp_ms ASC"], include_spans=spans,
        )
        yield from page
        token = page.token
        if not token:
            return


def traces(told, experiment, into):
    runs, prompts = {}, {}
    found = list(every_trace(told, experiment, spans=True))
    if found:
        for run in told.run_ids[experiment.experiment_id]:
            for trace in every_trace(told, experiment, f"attributes.run_id = '{run}'"):
                runs.setdefault(trace.info.trace_id, []).append(told.name(run))
        for prompt in told.prompts:
            for trace in every_trace(told, experiment, f"prompt = '{prompt}'"):
                prompts.setdefault(trace.info.trace_id, []).append(prompt)
    for trace in found:
        info = trace.info
        told.counts["traces"] += 1
        told.counts["spans"] += len(trace.data.spans)
        told.counts["assessments"] += len(info.assessments)
        into[f"trace {info.trace_id}"] = {
            "experiment": experiment.name,
            "state": str(info.state),
            "times": [info.request_time, info.execution_duration],
            "client_request_id": info.client_request_id,
            "previews": [info.request_preview, info.response_preview],
            "tags": mapped(told, info.tags),
            "metadata": mapped(told, info.trace_metadata),
            "assessments": {one.assessment_id: assessment_of(one) for one in info.assessments},
            "spans": {span.span_id: span_of(span) for span in trace.data.spans},
            "runs": sorted(runs.get(info.trace_id, [])),
            "prompts": sorted(prompts.get(info.trace_id, [])),
            "attachments": attachments(told, trace),
        }


def attachments(told, trace):
    for span in trace.data.spans:
        if span.name == "draws":
            return {
                name: digest
                for name, digest in told.files(trace.info.tags["mlflow.artifactLocation"]).items()
                if name != "traces.json"
            }
    return {}


def datasets(told, into):
    from mlflow.genai.datasets import search_datasets

    for dataset in search_datasets():
        told.counts["datasets"] += 1
        records = json.loads(json.dumps([one.to_dict() for one in dataset._mlflow_dataset.records], default=str))
        told.counts["records"] += len(records)
        into[f"dataset {dataset.name}"] = {
            "experiments": sorted(told.experiments[one] for one in dataset.experiment_ids),
            "tags": {key: value for key, value in dataset.tags.items() if not key.startswith("dais.")},
            "schema": json.loads(dataset.schema) if dataset.schema else None,
            "profile": json.loads(dataset.profile) if dataset.profile else None,
            "by": [dataset.created_by, dataset.last_updated_by],
            **told.times(
                id=dataset.dataset_id, digest=dataset.digest, created=dataset.created_time, updated=dataset.last_update_time
            ),
            "records": {json.dumps(one["inputs"], sort_keys=True): record_of(told, one) for one in records},
        }


def record_of(told, record):
    kept = {key: record.get(key) for key in ("outputs", "expectations", "tags", "source", "created_by", "last_updated_by")}
    return {
        **kept,
        **told.times(
            id=record["dataset_record_id"], created=record["created_time"], updated=record["last_update_time"]
        ),
    }


def scorers(told, experiment, into):
    store = _get_store(store_uri=told.uri)
    for latest in store.list_scorers(experiment.experiment_id):
        for one in store.list_scorer_versions(experiment.experiment_id, latest.scorer_name):
            told.counts["scorers"] += 1
            into[f"scorer {experiment.name} / {one.scorer_name} / {one.scorer_version}"] = {
                "definition": json.loads(one._serialized_scorer),
                **told.times(id=one.scorer_id, created=one.creation_time),
            }

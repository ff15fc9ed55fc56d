"""Traces, evaluation datasets and scorers for `transfer_compare.py`: their content in a comparable form."""

import json

from mlflow.tracking._tracking_service.utils import _get_store

# Maps as JSON texts, whose spaces depend on the server.
MAPS = {"mlflow.trace.tokenUsage", "mlflow.trace.cost"}
# The location of spans depends on the server.
PLACES = {"mlflow.trace.spansLocation"}


def mapped(server, values):
    return {
        key: json.loads(value) if key in MAPS else server.text(value)
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
        # NaN differs from itself, but its text does not.
        "attributes": {key: repr(value) for key, value in span.attributes.items()},
        "events": [[one.name, one.timestamp, one.attributes] for one in span.events],
        "links": [[one.trace_id, one.span_id, one.attributes] for one in span.links],
    }


def assessment_of(one):
    server = one.to_dictionary()
    server.pop("trace_id", None)
    return server


def every_trace(server, experiment, filter_string=None, spans=False):
    token = None
    while True:
        page = server.client.search_traces(
            locations=[experiment.experiment_id], filter_string=filter_string, max_results=100, page_token=token,
            order_by=["timestamp_ms ASC"], include_spans=spans,
        )
        yield from page
        token = page.token
        if not token:
            return


def traces(server, experiment, into):
    runs, prompts = {}, {}
    found = list(every_trace(server, experiment, spans=True))
    if found:
        for run in server.run_ids[experiment.experiment_id]:
            for trace in every_trace(server, experiment, f"attributes.run_id = '{run}'"):
                runs.setdefault(trace.info.trace_id, []).append(server.name(run))
        for prompt in server.prompts:
            for trace in every_trace(server, experiment, f"prompt = '{prompt}'"):
                prompts.setdefault(trace.info.trace_id, []).append(prompt)
    for trace in found:
        info = trace.info
        server.counts["traces"] += 1
        server.counts["spans"] += len(trace.data.spans)
        server.counts["assessments"] += len(info.assessments)
        into[f"trace {info.trace_id}"] = {
            "experiment": experiment.name,
            "state": str(info.state),
            "times": [info.request_time, info.execution_duration],
            "client_request_id": info.client_request_id,
            "previews": [info.request_preview, info.response_preview],
            "tags": mapped(server, info.tags),
            "metadata": mapped(server, info.trace_metadata),
            "assessments": {one.assessment_id: assessment_of(one) for one in info.assessments},
            "spans": {span.span_id: span_of(span) for span in trace.data.spans},
            "runs": sorted(runs.get(info.trace_id, [])),
            "prompts": sorted(prompts.get(info.trace_id, [])),
            "attachments": attachments(server, trace),
        }


def attachments(server, trace):
    for span in trace.data.spans:
        if span.name == "draws":
            return {
                name: digest
                for name, digest in server.files(trace.info.tags["mlflow.artifactLocation"]).items()
                if name != "traces.json"
            }
    return {}


def datasets(server, into):
    from mlflow.genai.datasets import search_datasets

    for dataset in search_datasets():
        server.counts["datasets"] += 1
        records = json.loads(json.dumps([one.to_dict() for one in dataset._mlflow_dataset.records], default=str))
        server.counts["records"] += len(records)
        into[f"dataset {dataset.name}"] = {
            "experiments": sorted(server.experiments[one] for one in dataset.experiment_ids),
            "tags": {key: value for key, value in dataset.tags.items() if not key.startswith("dais.")},
            "schema": json.loads(dataset.schema) if dataset.schema else None,
            "profile": json.loads(dataset.profile) if dataset.profile else None,
            "by": [dataset.created_by, dataset.last_updated_by],
            **server.times(
                id=dataset.dataset_id, digest=dataset.digest, created=dataset.created_time, updated=dataset.last_update_time
            ),
            "records": {json.dumps(one["inputs"], sort_keys=True): record_of(server, one) for one in records},
        }


def record_of(server, record):
    kept = {key: record.get(key) for key in ("outputs", "expectations", "tags", "source", "created_by", "last_updated_by")}
    return {
        **kept,
        **server.times(
            id=record["dataset_record_id"], created=record["created_time"], updated=record["last_update_time"]
        ),
    }


def scorers(server, experiment, into):
    store = _get_store(store_uri=server.uri)
    for latest in store.list_scorers(experiment.experiment_id):
        for one in store.list_scorer_versions(experiment.experiment_id, latest.scorer_name):
            server.counts["scorers"] += 1
            into[f"scorer {experiment.name} / {one.scorer_name} / {one.scorer_version}"] = {
                "definition": json.loads(one._serialized_scorer),
                **server.times(id=one.scorer_id, created=one.creation_time),
            }

"""Sends events with OpenLineage's own client to the server at OPENLINEAGE_URL. Prints the events as JSON.

The client is unmodified: its HTTP transport, its models and facets, its validation.
"""

import json
from datetime import datetime, timedelta, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    Dataset,
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    dataset_version_dataset,
    error_message_run,
    nominal_time_run,
    parent_run,
    schema_dataset,
    sql_job,
)
from openlineage.client.uuid import generate_new_uuid

client = OpenLineageClient()
start = datetime(2026, 11, 26, 10, 0, tzinfo=timezone.utc)
at = lambda minutes: (start + timedelta(minutes=minutes)).isoformat()
namespace = "airflow"

dag = str(generate_new_uuid())
task = str(generate_new_uuid())
broken = str(generate_new_uuid())

raw = InputDataset(
    "s3://raw",
    "flights.csv",
    facets={
        "schema": schema_dataset.SchemaDatasetFacet(
            fields=[schema_dataset.SchemaDatasetFacetFields(name="delay", type="INT")]
        ),
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="v7"),
    },
)
lake = OutputDataset(
    "postgres://db:5432",
    "public.flights",
    facets={
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={
                "delay": column_lineage_dataset.Fields(
                    inputFields=[
                        column_lineage_dataset.InputField("s3://raw", "flights.csv", "delay")
                    ]
                )
            }
        )
    },
)
job = Job(namespace, "flights.load", facets={"sql": sql_job.SQLJobFacet(query="select 'ü' as \"x\"")})
of_dag = parent_run.ParentRunFacet(
    run=parent_run.Run(runId=dag), job=parent_run.Job(namespace=namespace, name="flights")
)


def run_event(state, minutes, run_id, of, facets=None, inputs=(), outputs=()):
    return RunEvent(
        eventType=state,
        eventTime=at(minutes),
        run=Run(run_id, facets=facets or {}),
        job=of,
        inputs=list(inputs),
        outputs=list(outputs),
    )


nominal = {"nominalTime": nominal_time_run.NominalTimeRunFacet(nominalStartTime=at(0))}
events = [
    run_event(RunState.START, 0, dag, Job(namespace, "flights"), nominal),
    run_event(RunState.START, 1, task, job, {"parent": of_dag}, [raw]),
    run_event(RunState.RUNNING, 2, task, job),
    run_event(RunState.COMPLETE, 3, task, job, {"parent": of_dag}, [raw], [lake]),
    run_event(RunState.START, 4, broken, Job(namespace, "flights.check"), {"parent": of_dag}),
    run_event(
        RunState.FAIL,
        5,
        broken,
        Job(namespace, "flights.check"),
        {
            "errorMessage": error_message_run.ErrorMessageRunFacet(
                message="division by zero", programmingLanguage="PYTHON", stackTrace="…"
            )
        },
    ),
    run_event(RunState.COMPLETE, 6, dag, Job(namespace, "flights")),
    JobEvent(eventTime=at(7), job=Job(namespace, "flights.report"), inputs=[InputDataset("postgres://db:5432", "public.flights")]),
    DatasetEvent(eventTime=at(8), dataset=Dataset("postgres://db:5432", "public.static")),
]
# Twice: an uncertain client sends again.
for event in events + events:
    client.emit(event)
print(json.dumps({"dag": dag, "task": task, "broken": broken}))

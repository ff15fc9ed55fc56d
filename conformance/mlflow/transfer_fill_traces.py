"""Traces, evaluation datasets and scorers for `transfer_fill.py`."""

import base64
import copy
import json
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import AssessmentError, AssessmentSource, SpanEvent
from mlflow.genai import datasets
from mlflow.genai.scorers import Guidelines
from mlflow.tracing.attachments import Attachment
from mlflow.tracing.client import TracingClient

JUDGE = AssessmentSource(source_type="LLM_JUDGE", source_id="a model")
ADA = AssessmentSource(source_type="HUMAN", source_id="ada")


@mlflow.trace(name="look up", span_type="RETRIEVER", attributes={"k": 3})
def look_up(text):
    span = mlflow.get_current_active_span()
    span.set_attribute("large", 2**53 + 1)
    span.set_attribute("odd", [1, None, {"b": 2.0, "nan": float("nan")}])
    return {"documents": [text, text.upper()], "ratio": 1.0}


@mlflow.trace(span_type="LLM")
def answer(text):
    span = mlflow.get_current_active_span()
    span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12})
    span.set_attribute("mlflow.llm.cost", {"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75})
    span.add_event(SpanEvent("seen", attributes={"n": 1, "text": "é 🎉"}))
    return text * 2


@mlflow.trace
def ask(number, prompt):
    mlflow.update_current_trace(
        tags={"n": str(number), "größe": "α"},
        metadata={"mlflow.trace.session": f"session {number}", "mlflow.trace.user": "ada"},
        client_request_id=f"request-{number}",
    )
    mlflow.genai.load_prompt(prompt)
    look_up(f"why {number}?")
    with mlflow.start_span(name="draws") as span:
        span.set_inputs({"picture": Attachment(content_type="image/png", content_bytes=b"\x89PNG " * 100)})
    if number == 2:
        raise ValueError("no way")
    return answer("because")


def traced(prompt):
    for number in range(4):
        try:
            if number == 3:
                with mlflow.start_run(run_name="traces"):
                    ask(number, prompt)
            else:
                ask(number, prompt)
        except ValueError:
            pass
        # They are sorted by time in ms.
        time.sleep(0.005)
    mlflow.flush_trace_async_logging()
    return mlflow.search_traces(return_type="list", order_by=["timestamp_ms ASC"])


def judged(trace):
    identifier = trace.info.trace_id
    mlflow.log_feedback(trace_id=identifier, name="correct", value=0.5, source=JUDGE, rationale="half", metadata={"a": "b"})
    first = mlflow.log_feedback(trace_id=identifier, name="polite", value=True, source=JUDGE)
    mlflow.override_feedback(trace_id=identifier, assessment_id=first.assessment_id, value=False, source=ADA)
    mlflow.log_feedback(trace_id=identifier, name="fails", source=JUDGE, error=AssessmentError("TIMEOUT", "too long"))
    mlflow.log_feedback(trace_id=identifier, name="many", value={"x": ["y", 1.0]}, span_id=trace.data.spans[0].span_id)
    mlflow.log_expectation(trace_id=identifier, name="expected", value={"documents": ["a", 1]}, source=ADA)
    mlflow.log_expectation(trace_id=identifier, name="plain", value="yes", source=ADA)


def kept_as_a_file(trace):
    """Stores the spans like clients before 3.5."""
    client = TracingClient()
    info = copy.deepcopy(trace.info)
    info.trace_id = "tr-" + "ab" * 16
    info.assessments = []
    for key in ("mlflow.trace.spansLocation", "mlflow.artifactLocation", "mlflow.linkedPrompts"):
        info.tags.pop(key, None)
    spans = [span.to_dict() for span in trace.data.spans]
    for span in spans:
        span["trace_id"] = base64.b64encode(b"\xab" * 16).decode()
        span["attributes"]["mlflow.traceRequestId"] = json.dumps(info.trace_id)
    made = client.start_trace(info)
    client._get_artifact_repo_for_trace(made).upload_trace_data(json.dumps({"spans": spans}))


def fill(experiment, other):
    client = MlflowClient()
    mlflow.set_experiment(experiment_id=experiment)
    mlflow.genai.register_prompt(name="ask", template="{{what}}?")
    traces = traced("prompts:/ask/1")
    assert len(traces) == 4, traces
    judged(traces[0])
    kept_as_a_file(traces[1])
    run = client.create_run(experiment, run_name="evaluates")
    client.link_traces_to_run([trace.info.trace_id for trace in traces[:2]], run.info.run_id)
    client.set_terminated(run.info.run_id)
    dataset = datasets.create_dataset(name="questions", experiment_id=[experiment, other], tags={"team": "air"})
    dataset.merge_records([
        {"inputs": {"question": f"ü {n}", "more": [n, {"x": None}]}, "expectations": {"answer": n}, "tags": {"n": str(n)}}
        for n in range(3)
    ])
    dataset.merge_records(traces[:2])
    datasets.create_dataset(name="empty")
    for text in ("Be polite.", "Be very polite."):
        Guidelines(name="polite", guidelines=[text], model="openai:/gpt-4o-mini").register(
            name="polite", experiment_id=experiment
        )

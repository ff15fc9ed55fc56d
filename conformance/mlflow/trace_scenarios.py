"""Traces: written by the decorator, manual spans and OpenTelemetry's own exporter; then read, searched and assessed."""

import time

from scenario import VERSION, fresh, refused, scenario

import mlflow
from mlflow import MlflowClient


def flushed():
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()


def traced_experiment():
    return mlflow.set_experiment(fresh("traced")).experiment_id


def found(experiment, filter_string=None, **more):
    # Renamed in 3.x.
    where = {"experiment_ids": [experiment]} if VERSION < (3, 5) else {"locations": [experiment]}
    return mlflow.search_traces(**where, filter_string=filter_string, return_type="list", **more)


def ids(traces):
    return [getattr(trace.info, "trace_id", None) or trace.info.request_id for trace in traces]


@scenario(since=(2, 22))
def traces_of_a_decorator():
    experiment = traced_experiment()

    @mlflow.trace(name="inner", span_type="RETRIEVER", attributes={"k": 3})
    def inner(text):
        return {"documents": [text, text.upper()], "ratio": 1.0}

    @mlflow.trace
    def outer(question, many=2):
        for _ in range(many):
            inner(question)
        with mlflow.start_span(name="by hand") as span:
            span.set_inputs({"a": [1, None, {"b": 2.5}]})
            span.set_outputs("é 🎉")
            span.set_attribute("large", 2**53 + 1)
            span.add_event(mlflow.entities.SpanEvent("seen", attributes={"n": 1}))
        return "answer"

    assert outer("why?") == "answer"
    flushed()
    (trace,) = found(experiment)
    names = [span.name for span in trace.data.spans]
    assert names[0] == "outer" and sorted(names) == ["by hand", "inner", "inner", "outer"] or sorted(names) == [
        "by hand",
        "inner_1",
        "inner_2",
        "outer",
    ], names
    root = trace.data.spans[0]
    assert root.inputs == {"question": "why?", "many": 2} and root.outputs == "answer"
    by_name = {span.name: span for span in trace.data.spans}
    hand = by_name["by hand"]
    assert hand.inputs == {"a": [1, None, {"b": 2.5}]} and hand.outputs == "é 🎉"
    assert hand.attributes["large"] == 2**53 + 1
    assert [event.name for event in hand.events] == ["seen"]
    assert hand.parent_id == root.span_id
    retriever = next(span for name, span in by_name.items() if name.startswith("inner"))
    assert retriever.span_type == "RETRIEVER" and retriever.attributes["k"] == 3
    ratio = retriever.outputs["ratio"]
    assert ratio == 1.0 and isinstance(ratio, float)
    again = mlflow.get_trace(ids([trace])[0])
    assert [span.to_dict() for span in again.data.spans] == [span.to_dict() for span in trace.data.spans]
    assert "why?" in (trace.info.request_preview if VERSION >= (3, 0) else trace.info.request_metadata["mlflow.traceInputs"])


@scenario(since=(2, 22))
def traces_of_what_fails():
    experiment = traced_experiment()

    @mlflow.trace
    def fails():
        raise ValueError("no way")

    try:
        fails()
    except ValueError:
        pass
    flushed()
    (trace,) = found(experiment, "status = 'ERROR'")
    root = trace.data.spans[0]
    assert str(root.status.status_code) in ("ERROR", "SpanStatusCode.ERROR"), root.status
    assert any("no way" in str(event.attributes) for event in root.events)
    assert found(experiment, "status = 'OK'") == []


@scenario(since=(3, 4))
def traces_are_found():
    experiment = traced_experiment()

    @mlflow.trace(span_type="LLM")
    def call(model):
        mlflow.get_current_active_span().set_attribute("model.name", model)
        return model * 2

    @mlflow.trace
    def ask(n):
        mlflow.update_current_trace(
            tags={"n": str(n), "odd": str(n % 2 == 1)},
            metadata={"mlflow.trace.session": f"session-{n % 2}"},
            client_request_id=f"request-{n}",
        )
        call(f"model-{n}")
        if n == 3:
            raise RuntimeError("three")
        return n

    for n in range(5):
        try:
            ask(n)
        except RuntimeError:
            pass
        # Times are in ms, so that filters and orders can distinguish them.
        time.sleep(0.005)
    flushed()
    every = found(experiment, order_by=["timestamp ASC"])
    by_n = {trace.info.tags["n"]: trace.info.trace_id for trace in every}

    def numbers(filter_string, **more):
        return sorted(trace.info.tags["n"] for trace in found(experiment, filter_string, **more))

    started = every[2].info.request_time
    filters = {
        "tags.odd = 'True'": ["1", "3"],
        "tag.n LIKE '%4%'": ["4"],
        "tags.n != '1' AND tags.odd = 'True'": ["3"],
        "status = 'ERROR'": ["3"],
        "attributes.status = 'OK' and tags.n != '0'": ["1", "2", "4"],
        "name = 'ask'": ["0", "1", "2", "3", "4"],
        "attributes.name LIKE 'as%' and tags.n = '2'": ["2"],
        "metadata.`mlflow.trace.session` = 'session-1'": ["1", "3"],
        "request_metadata.`mlflow.trace.session` != 'session-1'": ["0", "2", "4"],
        f"timestamp_ms >= {started}": ["2", "3", "4"],
        f"attributes.timestamp < {started}": ["0", "1"],
        "execution_time_ms >= 0": ["0", "1", "2", "3", "4"],
        f"request_id = '{by_n['1']}'": ["1"],
        f"trace.request_id IN ('{by_n['1']}', '{by_n['2']}')": ["1", "2"],
    }
    if VERSION >= (3, 10):
        filters.update(
            {
                "client_request_id = 'request-2'": ["2"],
                "tags.none IS NULL and tags.n = '0'": ["0"],
                "tags.n IS NOT NULL and status = 'ERROR'": ["3"],
                "span.name = 'call' and span.type = 'LLM' and tags.n = '0'": ["0"],
                "span.status = 'ERROR'": ["3"],
                "span.type = 'RETRIEVER'": [],
                "span.name = 'ask' and span.type = 'LLM'": [],
                "span.attributes.`model.name` LIKE '%model-4%'": ["4"],
                "span.content LIKE '%model-2model-2%'": ["2"],
                "trace.text LIKE '%model-1%'": ["1"],
                "text ILIKE '%MODEL-1%'": ["1"],
                "tags.n RLIKE '^[12]$'": ["1", "2"],
                f"end_time >= {started} and tags.n = '2'": ["2"],
            }
        )
    for filter_string, expected in filters.items():
        assert numbers(filter_string) == expected, (filter_string, numbers(filter_string))
    newest = found(experiment, max_results=2)
    assert [trace.info.tags["n"] for trace in newest] == ["4", "3"]
    by_tag = found(experiment, order_by=["tag.n DESC"])
    assert [trace.info.tags["n"] for trace in by_tag] == ["4", "3", "2", "1", "0"]
    first = MlflowClient().search_traces(experiment_ids=[experiment], max_results=3)
    rest = MlflowClient().search_traces(experiment_ids=[experiment], max_results=3, page_token=first.token)
    assert len({*ids(first), *ids(rest)}) == 5
    refused("INVALID_PARAMETER_VALUE", lambda: found(experiment, "no_such_key = 'x'"))
    refused("INVALID_PARAMETER_VALUE", lambda: found(experiment, "status = 'OK' OR status = 'ERROR'"))


@scenario(since=(3, 4))
def traces_in_runs():
    experiment = traced_experiment()

    @mlflow.trace
    def work():
        return 1

    with mlflow.start_run() as run:
        work()
    work()
    flushed()
    inside = mlflow.search_traces(experiment_ids=[experiment], run_id=run.info.run_id, return_type="list")
    assert len(inside) == 1 and inside[0].info.trace_metadata["mlflow.sourceRun"] == run.info.run_id
    outside = [identifier for identifier in ids(found(experiment)) if identifier not in ids(inside)]
    if VERSION >= (3, 6):
        MlflowClient().link_traces_to_run(outside, run.info.run_id)
        both = mlflow.search_traces(experiment_ids=[experiment], run_id=run.info.run_id, return_type="list")
        assert sorted(ids(both)) == sorted([*ids(inside), *outside])
    MlflowClient().delete_run(run.info.run_id)
    assert len(found(experiment)) == 2


@scenario(since=(2, 22))
def trace_tags_and_deletion():
    experiment = traced_experiment()

    @mlflow.trace
    def work(n):
        return n

    for n in range(4):
        work(n)
    flushed()
    client = MlflowClient()
    all_ids = ids(found(experiment, order_by=["timestamp ASC"]))
    client.set_trace_tag(all_ids[0], "reviewed", "yes")
    client.set_trace_tag(all_ids[0], "doubt", "x" * 9000)
    assert ids(found(experiment, "tags.reviewed = 'yes'")) == [all_ids[0]]
    client.delete_trace_tag(all_ids[0], "reviewed")
    assert found(experiment, "tags.reviewed = 'yes'") == []
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_trace_tag(all_ids[0], "reviewed"))
    by_id = {"request_ids": [all_ids[0]]} if VERSION < (3, 0) else {"trace_ids": [all_ids[0]]}
    assert client.delete_traces(experiment, **by_id) == 1
    assert client.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 1000, max_traces=2) == 2
    assert ids(found(experiment)) == [all_ids[3]]
    refused("INVALID_PARAMETER_VALUE", lambda: client.delete_traces(experiment, max_timestamp_millis=1, max_traces=0))


@scenario(since=(3, 4))
def assessments():
    from mlflow.entities import AssessmentError, AssessmentSource

    experiment = traced_experiment()

    @mlflow.trace
    def work(n):
        return n

    for n in range(3):
        work(n)
    flushed()
    first, second, third = ids(found(experiment, order_by=["timestamp ASC"]))
    human = AssessmentSource(source_type="HUMAN", source_id="ada")
    good = mlflow.log_feedback(
        trace_id=first, name="good", value=True, source=human, rationale="it is", metadata={"m": "1"}
    )
    mlflow.log_feedback(trace_id=second, name="score", value=0.75)
    mlflow.log_feedback(trace_id=third, name="score", value=2)
    mlflow.log_feedback(
        trace_id=third, name="broken", error=AssessmentError(error_code="TIMEOUT", error_message="too slow")
    )
    mlflow.log_expectation(trace_id=first, name="answer", value={"text": "yes", "parts": [1, 2.5]}, source=human)
    trace = mlflow.get_trace(first)
    by_name = {one.name: one for one in trace.info.assessments}
    assert by_name["good"].feedback.value is True and by_name["good"].rationale == "it is"
    assert by_name["good"].source.source_id == "ada" and by_name["good"].metadata["m"] == "1"
    assert by_name["answer"].expectation.value == {"text": "yes", "parts": [1, 2.5]}
    (broken,) = [one for one in mlflow.get_trace(third).info.assessments if one.name == "broken"]
    assert broken.feedback.error.error_code == "TIMEOUT" and broken.feedback.value is None
    from mlflow.entities import Feedback

    mlflow.update_assessment(
        trace_id=first,
        assessment_id=good.assessment_id,
        assessment=Feedback(name="good", value=False, rationale="it was not"),
    )
    changed = mlflow.get_assessment(first, good.assessment_id)
    assert changed.feedback.value is False and changed.rationale == "it was not"
    corrected = mlflow.override_feedback(trace_id=first, assessment_id=good.assessment_id, value=True)
    assert mlflow.get_assessment(first, good.assessment_id).valid is False
    assert corrected.overrides == good.assessment_id
    if VERSION >= (3, 10):
        assert ids(found(experiment, "feedback.good = 'true'")) == [first]
        assert ids(found(experiment, "feedback.score > 0.5", order_by=["timestamp ASC"])) == [second, third]
        assert ids(found(experiment, "feedback.score >= 1")) == [third]
        assert ids(found(experiment, "expectation.answer IS NOT NULL")) == [first]
        assert ids(found(experiment, "feedback.score IS NULL")) == [first]
    mlflow.delete_assessment(trace_id=first, assessment_id=corrected.assessment_id)
    assert mlflow.get_assessment(first, good.assessment_id).valid is True
    refused("RESOURCE_DOES_NOT_EXIST", lambda: mlflow.get_assessment(first, "a-none"))


@scenario(since=(3, 4))
def token_usage():
    from mlflow.tracing.constant import SpanAttributeKey

    experiment = traced_experiment()

    @mlflow.trace(span_type="LLM")
    def call():
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        mlflow.get_current_active_span().set_attribute(SpanAttributeKey.CHAT_USAGE, usage)

    @mlflow.trace
    def chain():
        call()
        call()

    chain()
    flushed()
    (trace,) = found(experiment)
    assert trace.info.token_usage == {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30}

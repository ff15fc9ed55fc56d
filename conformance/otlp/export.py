"""A program that OpenTelemetry's own SDK traces, unmodified: its exporter is configured by its own variables.

Prints the trace's id, as one line of JSON.
"""

import json

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode

STEPS = 1500

provider = TracerProvider()
# Several exports are one trace: the last has the root span.
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=2 * STEPS, max_export_batch_size=512))
tracer = provider.get_tracer("export", "1.0")
with tracer.start_as_current_span("request", attributes={"input.value": "hello", "n": 3, "ratio": 1.0}) as root:
    context = root.get_span_context()
    for n in range(STEPS):
        with tracer.start_as_current_span(f"step {n}", links=[Link(context, {"why": "because"})]) as span:
            span.set_attribute("list", ["a", "b"])
            span.add_event("seen", {"n": n})
            if n == 7:
                span.set_status(Status(StatusCode.ERROR, "seven"))
sent = provider.force_flush()
provider.shutdown()
print(json.dumps({"trace": f"{context.trace_id:032x}", "steps": STEPS, "sent": sent}))

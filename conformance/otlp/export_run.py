"""A training that reports metrics and logs with OpenTelemetry's own SDK, unmodified. RUN_ID names the run of Dais."""

import logging
import os

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

LINES = 1500

run = os.environ.get("RUN_ID")
resource = Resource.create({} if run is None else {"mlflow.runId": run})

views = [View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())]
reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3_600_000)
meters = MeterProvider([reader], resource=resource, views=views)
meter = meters.get_meter("training")
meter.create_gauge("loss").set(0.25, {"step": 3, "split": "train"})
rows = meter.create_counter("rows")
rows.add(10)
rows.add(20)
meter.create_up_down_counter("queue").add(-2)
meter.create_observable_gauge("temperature", [lambda _: [Observation(21.5)]])
seconds = meter.create_histogram("batch.seconds")
for value in (1, 2, 3):
    seconds.record(value)
sizes = meter.create_histogram("size")
for value in (1, 4):
    sizes.record(value)
# Exports once.
meters.shutdown()

loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=2 * LINES))
log = logging.getLogger("training")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(LoggingHandler(logger_provider=loggers))
log.info("epoch %d has ended", 1)
with TracerProvider().get_tracer("training").start_as_current_span("step"):
    try:
        raise ValueError("NaN")
    except ValueError:
        log.exception("it does not converge", extra={"epoch": 1})
for n in range(LINES):
    log.info("line %d", n)
loggers.shutdown()

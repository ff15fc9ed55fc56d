"""Reads a file of OpenMetrics with the parser of Prometheus' own client, and prints its families as JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_fd_to_metric_families

with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
    families = {
        family.name: {"type": family.type, "samples": sorted({sample.name for sample in family.samples})}
        for family in text_fd_to_metric_families(file)
    }
print(json.dumps(families))

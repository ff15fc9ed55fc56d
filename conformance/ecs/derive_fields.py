"""Writes fields.json from Elastic Common Schema: derive_fields.py ecs_flat.yml VERSION > fields.json

ecs_flat.yml is generated/ecs/ecs_flat.yml of that version. Only names, types and allowed values are kept: facts, no
text of that file.
"""

import json
import sys

import yaml

# Field sets of logs and audit entries, and fields without a set.
SETS = "client ecs error event http log process rule service source url user user_agent".split()
SINGLE = ["@timestamp", "message", "labels", "tags", "trace.id", "span.id", "transaction.id"]


def main(path, version):
    with open(path, encoding="utf-8") as file:
        flat = yaml.safe_load(file)
    fields = {}
    for name, field in flat.items():
        if name not in SINGLE and name.split(".")[0] not in SETS:
            continue
        kept = {"type": field["type"]}
        if "array" in field.get("normalize", []):
            kept["array"] = True
        allowed = field.get("allowed_values", [])
        if allowed:
            kept["allowed"] = {one["name"]: one.get("expected_event_types", []) for one in allowed}
        fields[name] = kept
    print('{"version": ' + json.dumps(version) + ', "fields": {')
    print(",\n".join(f"{json.dumps(name)}: {json.dumps(field)}" for name, field in sorted(fields.items())))
    print("}}")


main(*sys.argv[1:])

"""Lists the endpoints of the installed mlflow's server as JSON: those of its protocol files that its server has.

    python derive_endpoints.py > endpoints.json
    python derive_endpoints.py --names    only the endpoints' names, as older-endpoints.json has them for older lines
"""

import importlib
import json
import pkgutil
import re
import sys

from google.protobuf.descriptor import FieldDescriptor

import mlflow
import mlflow.protos
from mlflow.protos import databricks_pb2
from mlflow.server import app

TYPES = {number: name[5:].lower() for name, number in vars(FieldDescriptor).items() if name.startswith("TYPE_")}


def is_repeated(field):
    try:
        return field.is_repeated
    except AttributeError:
        return field.label == FieldDescriptor.LABEL_REPEATED


def type_of(field):
    kind = field.message_type or field.enum_type
    return (kind.name if kind else TYPES[field.type]) + ("[]" if is_repeated(field) else "")


def fields(message):
    return {field.name: type_of(field) for field in message.fields}


def shape(path):
    return re.sub(r"\{[^}]*\}|<[^>]*>", "*", path)


def endpoints():
    served = {shape(str(rule)) for rule in app.url_map.iter_rules()}
    for module in sorted(found.name for found in pkgutil.iter_modules(mlflow.protos.__path__)):
        if not module.endswith("_pb2"):
            continue
        for service in importlib.import_module(f"mlflow.protos.{module}").DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                responses = method.input_type.nested_types_by_name
                for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                    path = f"/api/{endpoint.since.major}.0/{endpoint.path.lstrip('/')}"
                    if shape(path) in served:
                        yield {
                            "method": endpoint.method,
                            "path": path,
                            "rpc": method.name,
                            "request": fields(method.input_type),
                            "response": fields(responses["Response"]) if "Response" in responses else {},
                        }


found = sorted(endpoints(), key=lambda one: (one["path"], one["method"]))
if "--names" in sys.argv:
    print(json.dumps(sorted({f"{one['method']} {shape(one['path'])}" for one in found})))
    sys.exit()
json.dump({"version": mlflow.__version__, "endpoints": found}, sys.stdout, indent=1)
print()

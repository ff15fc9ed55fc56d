"""Writes endpoints.json from the protocol files of Kubeflow Pipelines: derive_endpoints.py FOLDER VERSION > endpoints.json

FOLDER contains backend/api/v2beta1 of that version. Only names and types are kept: facts, no text of those files.
"""

import json
import pathlib
import re
import sys

SERVICES = ["experiment", "pipeline", "run", "recurring_run", "healthz", "auth"]
SHARED = ["runtime_config"]
METHODS = "get|put|post|delete|patch"

def main(folder, version):
    texts = {name: clean((folder / f"{name}.proto").read_text()) for name in SERVICES + SHARED}
    messages = {}
    for text in texts.values():
        messages.update(messages_of(text))
    endpoints = []
    for name in SERVICES:
        for rpc, request, options in re.findall(r"rpc (\w+)\(([\w.]+)\)\s*returns \([\w.]+\) \{(.*?)(?=\brpc |\Z)", texts[name], re.S):
            method, path = re.search(rf'({METHODS}): "([^"]+)"', options).groups()
            body = re.search(r'body: "([^"]+)"', options)
            endpoint = {"method": method.upper(), "path": path, "request": messages.get(request, {})}
            if body:
                endpoint["body"] = body.group(1)
                if body.group(1) != "*":
                    endpoint["request"] = messages[endpoint["request"][body.group(1)]]
            endpoints.append(endpoint)

    json.dump({"version": version, "endpoints": endpoints}, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")

def clean(text):
    return re.sub(r"//[^\n]*", "", text)

def messages_of(text):
    found = {}
    for match in re.finditer(r"message (\w+) \{", text):
        body = block(text, match.end())
        inner = re.sub(r"(message|enum) \w+ \{[^{}]*\}", "", body)
        inner = re.sub(r"(message|enum) \w+ \{(?:[^{}]|\{[^{}]*\})*\}", "", inner)
        inner = re.sub(r"oneof \w+ \{([^{}]*)\}", r"\1", inner)
        fields = re.findall(r"(?:(repeated|optional) )?(map<[^>]+>|[\w.]+) (\w+) = \d+", inner)
        found[match.group(1)] = {
            name: re.sub(r"\s", "", kind.split(".")[-1] if "<" not in kind else kind) + ("[]" if label == "repeated" else "")
            for label, kind, name in fields
        }
    return found

def block(text, start):
    depth, at = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[start : at - 1]

main(pathlib.Path(sys.argv[1]), sys.argv[2])

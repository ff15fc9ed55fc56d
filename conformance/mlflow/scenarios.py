"""Scenarios of MLflow's own client, run against the server at MLFLOW_TRACKING_URI.

The client is unmodified. Prints one JSON object for each scenario: its name and, when it failed, the traceback.
Runs with clients from 2.22 on; a scenario can require a later version.
"""

import json
import sys
import time
import traceback

from scenario import SCENARIOS, VERSION

import mlflow
# Each lists its own.
import tracking_scenarios
import artifact_scenarios
import model_scenarios
import webhook_scenarios
import trace_scenarios
import evaluation_scenarios
import autolog_scenarios


def installed(name):
    from importlib.util import find_spec

    return find_spec(name) is not None


def main(chosen):
    for function, since, needs in SCENARIOS:
        name = function.__name__
        if chosen and name not in chosen:
            continue
        if VERSION < since or not all(installed(one) for one in needs):
            print(json.dumps({"name": name, "skipped": True}), flush=True)
            continue
        started = time.time()
        result = {"name": name}
        try:
            function()
        except BaseException:
            result["error"] = traceback.format_exc()
        finally:
            while mlflow.active_run() is not None:
                mlflow.end_run()
        result["seconds"] = round(time.time() - started, 2)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

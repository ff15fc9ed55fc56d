"""The common part of scenarios: their list, unique names, and expected errors."""

import os
import uuid

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A failing server is reported immediately, not after four minutes of retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

import mlflow
from mlflow.exceptions import MlflowException

VERSION = tuple(int(part) for part in mlflow.__version__.split(".")[:2])
SCENARIOS = []


def scenario(since=(2, 0), needs=()):
    def mark(function):
        SCENARIOS.append((function, since, needs))
        return function

    return mark


def fresh(prefix="e"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def refused(code, work):
    try:
        work()
    except MlflowException as error:
        assert error.error_code == code, f"{error.error_code}, not {code}: {error}"
        return str(error)
    raise AssertionError(f"nothing was refused; {code} was expected")

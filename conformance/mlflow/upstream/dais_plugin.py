"""A pytest plugin that points the fixtures of MLflow's own tests at a running Dais.

The tests stay unmodified. What starts an MLflow server in them returns the URL of a new, empty project of Dais instead,
so each test finds an empty server. Without DAIS_URL nothing is replaced: the tests then run with MLflow's own server.
"""

import contextlib
import importlib
import itertools
import json
import os
import re
import urllib.request

import pytest

import mlflow

DAIS = os.environ.get("DAIS_URL", "").rstrip("/")
RESULTS = os.environ["DAIS_RESULTS"]
SUITE = json.loads(os.environ["DAIS_SUITE"])
EXCLUDED = [(re.compile(entry["tests"]), entry["reason"]) for entry in SUITE["excluded"]]
_numbers = itertools.count(1)


_projects = {}
_current = None


def project():
    """Returns the URL of the project of the current test. Its server and its client use the same one."""
    if _current is None:
        return new_project()
    if _current not in _projects:
        _projects.clear()
        _projects[_current] = new_project()
    return _projects[_current]


def new_project():
    """Returns the URL of a new project, which an MLflow client takes as a tracking URI."""
    name = f"upstream-{os.getpid()}-{next(_numbers)}"
    manifest = {"apiVersion": "dais.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": {}}
    request = urllib.request.Request(
        f"{DAIS}/api/v1/projects",
        data=json.dumps(manifest).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        response.read()
    return f"{DAIS}/p/{name}"


class DaisServer:
    """Takes the place of `ServerThread`, which runs MLflow's application in a thread."""

    def __init__(self, app, port):
        self.url = project()

    def __enter__(self):
        # The fixtures have pointed the client to the database of MLflow's server.
        mlflow.set_tracking_uri(self.url)
        return self.url

    def __exit__(self, *_):
        return None


@contextlib.contextmanager
def dais_server(*_, **__):
    """Takes the place of `_init_server` and `_run_mlflow_server`, which start MLflow's server as a process."""
    yield project()


def _use_dais():
    utils = importlib.import_module("tests.tracking.integration_test_utils")
    utils.ServerThread = DaisServer
    utils._init_server = dais_server
    conftest = importlib.import_module("tests.conftest")
    use_tracking_uri = conftest._use_tracking_uri

    @contextlib.contextmanager
    def use_dais(uri):
        with use_tracking_uri(project()):
            yield

    conftest._use_tracking_uri = use_dais


def pytest_collectstart(collector):
    if DAIS and isinstance(collector, pytest.Session):
        _use_dais()


def pytest_collection_modifyitems(config, items):
    for module in {item.module for item in items if hasattr(item.module, "wait_until_ready")}:
        # Programs of the tests get more patience than ten seconds, on a busy machine.
        module.wait_until_ready.__defaults__ = (180,)
    kept, dropped = [], []
    for item in items:
        reason = next((reason for tests, reason in EXCLUDED if tests.search(item.nodeid)), None)
        if reason is None or os.environ.get("DAIS_EXCLUDED"):
            kept.append(item)
        else:
            dropped.append(item)
            _record(item.nodeid, "excluded", reason)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    global _current
    _current = item.nodeid


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """Replaces fixtures that start a server as a process, and databases that clients open themselves."""
    if not DAIS:
        return None
    make = _FIXTURES.get((request.node.nodeid.split("::")[0], fixturedef.argname))
    if make is None:
        return None
    value = make(request)
    fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
    return value


def _artifacts_server(request):
    module = request.module if hasattr(request, "module") else importlib.import_module("tests.tracking.test_mlflow_artifacts")
    url = new_project()
    return module.ArtifactsServer("", f"{url}/api/2.0/mlflow-artifacts/artifacts", "", url, None)


_FIXTURES = {
    ("tests/tracking/test_mlflow_artifacts.py", "artifacts_server"): _artifacts_server,
    ("tests/webhooks/test_e2e.py", "mlflow_server"): lambda _: new_project(),
    ("tests/optuna/test_storage.py", "db_uri"): lambda _: project(),
}


def _record(test, outcome, detail=""):
    with open(RESULTS, "a") as file:
        file.write(json.dumps({"test": test, "outcome": outcome, "detail": detail}) + "\n")


_failed = {}
_skipped = set()


def pytest_runtest_logreport(report):
    if report.outcome == "rerun":
        return
    if report.failed:
        _failed.setdefault(report.nodeid, report.longreprtext[-4000:])
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _record(report.nodeid, "skipped", reason)
        _failed.pop(report.nodeid, None)
        _skipped.add(report.nodeid)
    if report.when == "teardown":
        if report.nodeid in _failed:
            _record(report.nodeid, "failed", _failed.pop(report.nodeid))
        elif report.nodeid not in _skipped:
            _record(report.nodeid, "passed")

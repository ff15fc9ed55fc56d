"""Records the responses of a real `mlflow server`: requests and responses, as JSON files in corpus/.

    python record_corpus.py [GROUP …]    then: npm run format

Starts the server of the installed mlflow on a new database. Values that differ from run to run are written as
`$name`: ids that a step keeps, times, page tokens and generated names.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

CORPUS = Path(__file__).parent / "corpus"
PORT = 5731
# Experiment ids start here: such a long number is recognized in URIs.
FIRST_EXPERIMENT = 471100
TIMES = re.compile(r"(time|timestamp|timestamp_ms)$")
# Times of this century in ms; times that steps send are smaller.
NOW = 1_000_000_000_000


class Recorder:
    def __init__(self, base):
        self.base = base
        self.kept = {}
        self.exchanges = []

    def __call__(self, name, method, path, body=None, query=(), keep=None, headers=None, raw=None):
        """`keep` names the values that later steps use: `{"run": "run.info.run_id"}`."""
        pairs = [(key, one) for key, value in dict(query).items() for one in ([value] if isinstance(value, str) else value)]
        url = self.filled(path)
        if pairs:
            url += "?" + urlencode([(key, self.filled(value)) for key, value in pairs])
        data = self.filled(json.dumps(body)) if body is not None else raw
        sent = {"Content-Type": "application/json"} if data is not None and headers is None else headers or {}
        status, answer = self.ask(method, url, data, sent)
        for variable, place in (keep or {}).items():
            value = answer
            for part in place.split("."):
                value = value[int(part)] if part.isdigit() else value[part]
            self.kept[variable] = str(value)
        request = {"method": method, "path": path}
        for key, value in (("query", pairs), ("body", body), ("raw", raw), ("headers", headers)):
            if value:
                request[key] = value
        if body == {}:
            request["body"] = body
        result = {"name": name, "request": request, "status": status, "answer": self.emptied(answer)}
        if keep:
            result["keep"] = keep
        self.exchanges.append(result)
        return answer

    def ask(self, method, url, data, headers):
        request = Request(self.base + url, method=method, headers=headers, data=None if data is None else data.encode())
        try:
            with urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read().decode()
        except HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def filled(self, text):
        for variable in sorted(self.kept, key=len, reverse=True):
            text = text.replace(f"${variable}", self.kept[variable])
        return text

    def emptied(self, value, key=""):
        if isinstance(value, dict):
            return {name: self.emptied(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self.emptied(one, key) for one in value]
        if isinstance(value, int) and TIMES.search(key) and value > NOW:
            return "$time"
        if isinstance(value, int) and str(value) in self.kept.values() and value > FIRST_EXPERIMENT:
            return self.emptied(str(value))
        if isinstance(value, str):
            value = re.sub(r"\bdr-[0-9a-f]{32}\b", "$record", value)
            if key in ("next_page_token", "digest") and value not in self.kept.values():
                return f"${key}" if key == "next_page_token" or re.fullmatch("[0-9a-f]{8}", value) else value
            for variable, kept in self.kept.items():
                # Versions and similar values are too short to be searched for.
                if len(kept) >= 6:
                    value = value.replace(kept, f"${variable}")
            if key == "records":
                value = self.emptied(json.loads(value))
        return value


def main(chosen):
    from corpus_steps import GROUPS

    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/mlflow.db"
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        arguments = ["server", "--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", f"{folder}/files"]
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(PORT), "--workers", "1"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            base = f"http://127.0.0.1:{PORT}"
            wait_for(f"{base}/health", server)
            with sqlite3.connect(database) as connection:
                columns = "(experiment_id, name, lifecycle_stage, workspace)"
                row = (FIRST_EXPERIMENT, "the first number", "deleted", "default")
                connection.execute(f"insert into experiments {columns} values (?, ?, ?, ?)", row)
            CORPUS.mkdir(exist_ok=True)
            for name, steps in GROUPS.items():
                if chosen and name not in chosen:
                    continue
                recorder = Recorder(base)
                steps(recorder)
                text = json.dumps({"version": mlflow.__version__, "exchanges": recorder.exchanges}, indent=1, ensure_ascii=False)
                (CORPUS / f"{name}.json").write_text(text + "\n")
                print(name, len(recorder.exchanges))
        finally:
            os.killpg(server.pid, 15)
            server.wait()


def wait_for(url, server):
    deadline = time.monotonic() + 180
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1:])

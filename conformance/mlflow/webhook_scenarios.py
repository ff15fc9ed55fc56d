"""Webhooks: created by the client, received and verified like in MLflow's documentation."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scenario import fresh, refused, scenario

import mlflow
from mlflow import MlflowClient

SECRET = "a secret of the receiver"


class Receiver:
    """Responds with 503 the given number of times, then with 200; stores the accepted requests by delivery id."""

    def __init__(self, failures=0):
        outer = self
        self.failures = failures
        self.requests = []
        self.taken = {}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.requests.append((self.headers, body))
                status = 200
                if outer.failures > 0:
                    outer.failures -= 1
                    status = 503
                elif "X-MLflow-Signature" in self.headers and not verified(self.headers, body):
                    status = 401
                else:
                    outer.taken[self.headers["X-MLflow-Delivery-Id"]] = json.loads(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"taken" if status == 200 else b"not now")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def wait(self, count, seconds=60):
        end = time.time() + seconds
        while len(self.taken) < count and time.time() < end:
            time.sleep(0.05)
        assert len(self.taken) == count, f"{len(self.taken)} deliveries, not {count}: {self.taken}"
        return {f"{one['entity']}.{one['action']}": one for one in self.taken.values()}


def verified(headers, body):
    """The code of MLflow's documentation for receivers."""
    delivery_id, timestamp = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    signed = f"{delivery_id}.{timestamp}.{body}"
    digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(headers["X-MLflow-Signature"], "v1," + base64.b64encode(digest).decode())


@scenario(since=(3, 4))
def webhooks_are_kept():
    client = MlflowClient()
    name = fresh("hook")
    made = client.create_webhook(
        name=name,
        url="https://example.com/hook",
        events=["model_version.created", "registered_model.created"],
        description="notifies the team",
        secret=SECRET,
        status="DISABLED",
    )
    assert (made.name, made.status.value, made.description) == (name, "DISABLED", "notifies the team")
    assert made.secret is None and made.creation_timestamp > 0
    read = client.get_webhook(made.webhook_id)
    assert (read.url, {str(event) for event in read.events}) == (
        "https://example.com/hook",
        {"model_version.created", "registered_model.created"},
    )
    changed = client.update_webhook(
        made.webhook_id, name=f"{name}-2", status="ACTIVE", events=["model_version_tag.set"]
    )
    assert (changed.name, changed.status.value, [str(one) for one in changed.events]) == (
        f"{name}-2",
        "ACTIVE",
        ["model_version_tag.set"],
    )
    assert changed.description == "notifies the team"
    others = [client.create_webhook(fresh("hook"), "https://example.com/", ["model_version_tag.set"]) for _ in range(2)]
    pages, token = [], None
    while True:
        page = client.list_webhooks(max_results=1, page_token=token)
        pages += [one.webhook_id for one in page]
        token = page.token
        if not token:
            break
    assert {made.webhook_id, *[one.webhook_id for one in others]} <= set(pages)
    assert len(pages) == len(set(pages))
    for one in [made, *others]:
        client.delete_webhook(one.webhook_id)
    text = refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_webhook(made.webhook_id))
    assert f"Webhook with ID {made.webhook_id} not found" in text


@scenario(since=(3, 4))
def webhooks_that_are_refused():
    client = MlflowClient()
    events = ["model_version.created"]
    wrong = [
        ("-bad", "https://example.com/"),
        ("x" * 64, "https://example.com/"),
        ("ok", "http://example.com/"),
        ("ok", "ftp://example.com/"),
        ("ok", "https://10.0.0.1/"),
        ("ok", "https://169.254.169.254/latest/meta-data"),
        ("ok", " "),
    ]
    for name, url in wrong:
        refused("INVALID_PARAMETER_VALUE", lambda: client.create_webhook(name, url, events))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_webhook("00000000-0000-0000-0000-000000000000"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.test_webhook("nothing"))


@scenario(since=(3, 4))
def a_webhook_is_tested():
    client = MlflowClient()
    with Receiver() as receiver:
        made = client.create_webhook(
            fresh("hook"), receiver.url, ["model_version_alias.created"], secret=SECRET
        )
        result = client.test_webhook(made.webhook_id)
        assert (result.success, result.response_status, result.response_body) == (True, 200, "taken"), result
        [(headers, body)] = receiver.requests
        assert json.loads(body)["data"] == {
            "name": "example_model",
            "alias": "example_alias",
            "version": "1",
        }
        receiver.failures = 1
        result = client.test_webhook(made.webhook_id, event="model_version_tag.set")
        assert (result.success, result.response_status) == (False, 503)
    result = client.test_webhook(made.webhook_id)
    assert not result.success and result.error_message
    client.delete_webhook(made.webhook_id)


# Webhooks support prompts since 3.5.
@scenario(since=(3, 5))
def a_webhook_is_told_of_models_and_prompts():
    client = MlflowClient()
    events = [
        "registered_model.created",
        "model_version.created",
        "model_version_tag.set",
        "model_version_tag.deleted",
        "model_version_alias.created",
        "model_version_alias.deleted",
        "prompt.created",
        "prompt_version.created",
        "prompt_alias.created",
    ]
    # The first requests are rejected: the server retries them.
    with Receiver(failures=3) as receiver:
        made = client.create_webhook(fresh("hook"), receiver.url, events, secret=SECRET)
        name = fresh("model")
        client.create_registered_model(name, tags={"team": "x"}, description="delays")
        client.create_model_version(name, "s3://bucket/m", tags={"a": "b"})
        client.set_model_version_tag(name, "1", "k", "v")
        client.delete_model_version_tag(name, "1", "k")
        client.set_registered_model_alias(name, "best", "1")
        client.delete_registered_model_alias(name, "best")
        prompt = fresh("prompt")
        mlflow.genai.register_prompt(prompt, "Hello {{name}}")
        mlflow.genai.set_prompt_alias(prompt, alias="live", version=1)
        result = receiver.wait(len(events))
        assert set(result) == set(events), result.keys()
        data = {event: one["data"] for event, one in result.items()}
        assert data["registered_model.created"]["name"] == name
        assert data["registered_model.created"]["tags"] == {"team": "x"}
        assert data["model_version.created"]["version"] == "1"
        assert data["model_version.created"]["source"] == "s3://bucket/m"
        assert data["model_version_tag.set"] == {"name": name, "version": "1", "key": "k", "value": "v"}
        assert data["model_version_alias.created"] == {"name": name, "alias": "best", "version": "1"}
        assert data["prompt_version.created"]["template"] == "Hello {{name}}"
        assert data["prompt_alias.created"] == {"name": prompt, "alias": "live", "version": "1"}
        tried = {}
        for headers, body in receiver.requests:
            tried.setdefault(headers["X-MLflow-Delivery-Id"], set()).add(body)
        assert len(tried) == len(events) and all(len(bodies) == 1 for bodies in tried.values())
        client.delete_webhook(made.webhook_id)

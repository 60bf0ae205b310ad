"""Every call of /api/v1 answers in the schema that the OpenAPI document names for it.

The document is read with a validator that nobody here wrote. At the end every operation of the
document was called: one that is added without a line here is an error.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

import jsonschema_rs

BASE = os.environ["TRIBUTARY_URL"].rstrip("/") + "/api/v1"
OVER = ("done", "failed", "cancelled", "expired")


class Api:
    """Calls by operation and checks each answer."""

    def __init__(self):
        with urllib.request.urlopen(f"{BASE}/openapi.json", timeout=30) as answer:
            self.document = json.load(answer)
        self.called = set()
        self.session = None

    def schema(self, method, path, status):
        responses = self.document["paths"][path][method]["responses"]
        assert str(status) in responses or status >= 400, (method, path, status, list(responses))
        return responses.get(str(status), responses["default"])["content"]

    def check(self, content, kind, body, name):
        form = content.get(kind.split(";")[0])
        assert form is not None, f"{name}: {kind} is not among {list(content)}"
        if not kind.startswith(("application/json", "application/problem+json")):
            return body
        value = json.loads(body)
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.document["components"],
            **form["schema"],
        }
        errors = [
            f"{error.instance_path}: {error.message}"
            for error in jsonschema_rs.validator_for(schema).iter_errors(value)
        ]
        assert not errors, f"{name}: {errors[:4]} in {str(value)[:400]}"
        return value

    def call(self, method, path, query="", body=None, raw=None, expect=None, **names):
        operation = (method.lower(), path)
        url = BASE + path.format(**names) + query
        headers = {"idempotency-key": str(uuid.uuid4())}
        if self.session:
            headers["x-tributary-session"] = self.session
        data = raw
        if body is not None:
            data, headers["content-type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            kind = answer.headers["content-type"]
            stream = kind.startswith("text/event-stream")
            text = answer.readline() if stream else answer.read()
            status = answer.status
        name = f"{method} {path}"
        assert (status < 400) == (expect is None) and expect in (None, status), (name, status, text)
        if expect is None:
            self.called.add(operation)
        return self.check(self.schema(*operation, status), kind, text, name)

    def missing(self):
        every = {
            (method, path) for path, methods in self.document["paths"].items() for method in methods
        }
        return sorted(every - self.called)


def until(what, seconds, look):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {what} within {seconds} s")


def people(api):
    guest = api.call("POST", "/guests", body={"name": "Schema"})
    api.session = guest["session"]
    address = guest["account"]
    assert api.call("GET", "/session")["account"] == address
    api.call("GET", "/keys/default")
    key = api.call("POST", "/keys", body={"name": "one", "cap": "1.5"})
    api.call("POST", "/keys/{id}/top-up", id=key["id"], body={"amount": "0.5"})
    wallet = {"account": address, "signer": address, "cap": "1.0"}
    api.call("POST", "/keys/prepare", body=wallet)
    known = {"key": key["key"], "channel": key["channel"], "name": "again"}
    api.call("POST", "/keys/register", body=known)
    assert api.call("GET", "/keys")["items"]
    api.call("POST", "/keys/{id}/revoke", id=key["id"], body={})
    other = api.call("POST", "/keys", body={"name": "two", "cap": "1.0"})
    api.call("DELETE", "/keys/{id}", id=other["id"])
    return address


def data(api):
    made = api.call("POST", "/datanets", body={"name": "Schema", "description": "x"})
    api.call("POST", "/datanets/prepare", body={"name": "Schema two"})
    datanet = made["id"]
    rows = api.call("GET", "/samples/newcomer")
    upload = api.call("POST", "/uploads", f"?filename=rows.jsonl&datanet={datanet}", raw=rows)
    asked = {"upload": upload["id"]}
    api.call("POST", "/datanets/{id}/contributions/prepare", id=datanet, body=asked)
    sent = api.call("POST", "/datanets/{id}/contributions", id=datanet, body=asked)
    contribution = sent["contribution"]
    look = lambda: api.call("GET", "/contributions/{id}", id=contribution)["state"] == "published"
    until("published version", 60, look)
    assert api.call("GET", "/datanets", "?limit=2")["has_more"]
    detail = api.call("GET", "/datanets/{id}", id=datanet)
    assert detail["contributions"][0]["steps"], detail
    row = api.call("GET", "/datanets/{id}/rows", "?limit=3", id=datanet)["items"][0]
    api.call("GET", "/records/{id}", id=row["record_id"])
    assert api.call("GET", "/datanets/{id}/versions", id=datanet)["items"]
    api.call("GET", "/datanets/{id}/earnings", id=datanet)
    api.call("POST", "/datanets/{id}/trace", id=datanet, body={"text": row.get("completion", "x")})
    blob = upload["data_commit"]
    api.call("GET", "/blobs/{digest}", digest=blob)
    # Nothing new to freeze: the module's error comes back as a problem.
    api.call("POST", "/datanets/{id}/publish", id=datanet, body={}, expect=409)
    return datanet, row


def work(api, datanet, row):
    api.call("GET", "/presets")
    asked = {"datanet": datanet, "preset": "quick"}
    api.call("POST", "/jobs/quote", body=asked)
    api.call("POST", "/jobs/prepare", body=asked)
    stopped = api.call("POST", "/jobs", body=asked)
    api.call("POST", "/jobs/{id}/cancel", id=stopped["id"], body={})
    job = api.call("POST", "/jobs", body=asked)
    api.call("GET", "/jobs/{id}/events", id=job["id"])
    done = until("trained model", 600, lambda: finished(api, job["id"]))
    assert done["state"] == "done", done
    api.call("GET", "/jobs")
    api.call("GET", "/models", "?limit=1")
    api.call("GET", "/models/{id}", id=done["model_name"])
    prompt = row.get("prompt") or row.get("text", "")[:40]
    asked = {"model": done["model_name"], "temperature": 0, "max_tokens": 48}
    api.call("POST", "/prompts", body={**asked, "prompt": prompt})
    return chat(api, {**asked, "messages": [{"role": "user", "content": prompt}]})


def finished(api, job):
    shown = api.call("GET", "/jobs/{id}", id=job)
    return shown if shown["state"] in OVER else None


def chat(api, body):
    request = urllib.request.Request(
        BASE.removesuffix("/api/v1") + "/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "x-tributary-session": api.session},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["tributary"]["receipt_id"]


def money(api, address, receipt):
    assert api.call("GET", "/receipts", f"?account={address}")["items"]
    api.call("GET", "/receipts/{id}/transcript", id=receipt)
    assert api.call("GET", "/receipts/{id}/acknowledgements", id=receipt)["items"]
    posted = until("posted root", 60, lambda: posted_with(api, receipt))
    api.call("GET", "/roots/{hash}", hash=posted["data_hash"])
    report = api.call("GET", "/receipts/{id}/verify", id=receipt)
    assert report["verified"], report
    account = api.call("GET", "/accounts/{address}", address=address)
    assert account["by_role"], account
    assert api.call("GET", "/accounts/{address}/earnings", "?limit=1", address=address)["items"]
    api.call("POST", "/claims", body={})


def posted_with(api, receipt):
    shown = api.call("GET", "/receipts/{id}", id=receipt)
    return shown if shown["root"] else None


def refusals(api):
    """A refusal is a problem document, whatever was wrong."""
    for path, names, status in (
        ("/datanets/{id}", {"id": 999_999}, 404),
        ("/datanets/{id}", {"id": "x"}, 400),
        ("/receipts/{id}", {"id": "0x12"}, 400),
        ("/records/{id}", {"id": "0" * 64}, 404),
        ("/accounts/{address}", {"address": "nobody"}, 400),
        ("/models/{id}", {"id": "no/such"}, 404),
    ):
        problem = api.call("GET", path, expect=status, **names)
        assert problem["type"] == f"/docs/errors/{problem['code']}", problem


def main():
    api = Api()
    for path in ("/status", "/stats", "/openapi.json", "/events"):
        # The stream of events speaks only when something happens: a guest does.
        if path != "/events":
            api.call("GET", path)
    address = people(api)
    datanet, row = data(api)
    receipt = work(api, datanet, row)
    money(api, address, receipt)
    refusals(api)
    api.call("POST", "/session/export", body={})
    api.call("POST", "/session/leave", body={})
    api.session = None
    api.call("DELETE", "/session")
    api.called |= {("get", "/events"), ("post", "/datanets/{id}/publish")}
    assert not api.missing(), f"not called: {api.missing()}"
    print(f"{len(api.called)} operations answer in their schema")


if __name__ == "__main__":
    sys.exit(main())

"""What the scenarios need beside a key: a guest, a poor key, a model that was trained on rows."""

import json
import os
import time
import urllib.request
import uuid

BASE_URL = os.environ["TRIBUTARY_BASE_URL"].rstrip("/")
API_KEY = os.environ["TRIBUTARY_API_KEY"]
MODEL = os.environ["TRIBUTARY_MODEL"]
NODE_URL = BASE_URL.removesuffix("/v1")


def rest(method, path, body=None, session=None, raw=None, accept_text=False):
    """One request to /api/v1; returns its JSON."""
    headers = {"idempotency-key": str(uuid.uuid4())}
    if session:
        headers["x-tributary-session"] = session
    data = raw
    if body is not None:
        data = json.dumps(body).encode()
        headers["content-type"] = "application/json"
    request = urllib.request.Request(
        f"{NODE_URL}/api/v1{path}", data=data, method=method, headers=headers
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    return text if accept_text else json.loads(text)


def guest():
    return rest("POST", "/guests", {})


def poor_key(cap_wei):
    """A key whose cap does not cover one answer."""
    session = guest()["session"]
    return rest("POST", "/keys", {"name": "poor", "cap": str(cap_wei)}, session)["key"]


def until(what, seconds, look):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {what} within {seconds} s")


def trained_model():
    """A model with a datanet and a prompt of its rows; trains one when there is none."""
    found = _existing()
    return found or _train()


def _existing():
    for model in rest("GET", "/models")["items"]:
        if model["kind"] == "adapter" and model["status"] == "active":
            return model["name"], _prompt(model["datanet"])
    return None


def _prompt(datanet):
    rows = rest("GET", f"/datanets/{datanet}/rows?limit=100")["items"]
    for row in rows:
        if "prompt" in row:
            return row["prompt"]
        if "messages" in row:
            return next(m["content"] for m in row["messages"] if m["role"] == "user")
    return rows[0]["text"][:40]


def _train():
    session = guest()["session"]
    datanet = rest("GET", "/datanets")["items"][0]["id"]
    sample = rest("GET", "/samples/newcomer", accept_text=True).encode()
    upload = rest("POST", f"/uploads?filename=s.jsonl&datanet={datanet}", session=session, raw=sample)
    sent = rest("POST", f"/datanets/{datanet}/contributions", {"upload": upload["id"]}, session)
    path = f"/contributions/{sent['contribution']}"
    until("published version", 60, lambda: rest("GET", path)["state"] == "published")
    job = rest("POST", "/jobs", {"datanet": datanet, "preset": "quick"}, session)
    done = until("trained model", 600, lambda: _over(rest("GET", f"/jobs/{job['id']}")))
    assert done["state"] == "done", done
    return done["model_name"], _prompt(datanet)


def _over(job):
    return job if job["state"] in ("done", "failed", "cancelled", "expired") else None

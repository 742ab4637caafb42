"""The page of a service, on which each model can be tried and whoever calls it sees how.

It is one file that asks for nothing from elsewhere; its policy lets only its own script and style run. It reaches the
service by addresses relative to its own, so that it works behind a proxy, too."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import HTMLResponse, Response

from jupyter_modeldeploy.serving import snippets
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute

PLACE = Path(__file__).parent / "page"
ANYWHERE = "http://ADDRESS.OF.THIS.SERVICE"
"""Stands for the service's address, which only the page knows, as it is reached from there."""
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def page(endpoint: Endpoint) -> Response:
    """The page for what `endpoint` serves."""
    style, script = ((PLACE / name).read_text("utf-8") for name in ("docs.css", "docs.js"))
    asks_token = endpoint.spec is None or endpoint.spec.auth == "token"
    told = {"service": endpoint.service, "address": ANYWHERE}
    models = [_model(model, asks_token) for model in endpoint.models.values()]
    data = orjson.dumps({**told, "models": models}).decode().replace("<", "\\u003c")
    text_of_page = (PLACE / "docs.html").read_text("utf-8")
    for name, text in (("service", escape(endpoint.service)), ("style", style), ("script", script), ("data", data)):
        text_of_page = text_of_page.replace("{{" + name + "}}", text, 1)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src 'self'; "
        "img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return HTMLResponse(text_of_page, headers={**HEADERS, "content-security-policy": policy})


def _model(model: ModelRoute, asks_token: bool) -> dict[str, Any]:
    version = model.get(None)
    task, signature = version.task_name, version.signature
    takes = snippets.takes(task)
    return {
        "name": model.name,
        "task": task,
        "versions": list(model.versions),
        "kind": "tensor" if takes == "json" else takes,
        "example": snippets.example(task, signature),
        "inputs": [asdict(spec) for spec in signature.inputs],
        "outputs": [asdict(spec) for spec in signature.outputs],
        "snippets": snippets.snippets(ANYWHERE, model.name, task, signature, asks_token),
    }


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

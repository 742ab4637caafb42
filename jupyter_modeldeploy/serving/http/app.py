"""The ASGI application: everything but inference. Health, metadata, metrics, and what there is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError, NotFound
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.replies import Reply, error_reply, json_reply
from jupyter_modeldeploy.serving.metrics import CONTENT_TYPE
from jupyter_modeldeploy.serving.protocols.v2 import EXTENSIONS

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PLATFORMS = {"onnx": "onnx_onnxv1"}
ROUTES = {
    "GET /": "this description",
    "POST /predict": "the first model, in the words of its task",
    "POST /predict/MODEL[/versions/N]": "a model by name",
    "GET /v2": "Open Inference Protocol V2: the server",
    "GET /v2/health/live": "the server runs",
    "GET /v2/health/ready": "all models are ready",
    "GET /v2/models/MODEL[/versions/N]": "a model's inputs and outputs",
    "GET /v2/models/MODEL[/versions/N]/ready": "a model is ready",
    "POST /v2/models/MODEL[/versions/N]/infer": "tensors in, tensors out (JSON or binary)",
    "GET /metrics": "counts and durations for Prometheus",
}
_MODEL = re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<ready>/ready)?")
_INFERENCE = re.compile(r"/predict(?:/[^/]+(?:/versions/[^/]+)?)?|/v2/models/[^/]+(?:/versions/[^/]+)?/infer")


class Application:
    """Answers GET, HEAD and OPTIONS on every route that is not inference; the caller needs the service's token."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._answer(scope)
        headers = [(b"content-type", reply.content_type), (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *reply.headers]})
        await send({"type": "http.response.body", "body": reply.body})

    def _answer(self, scope: Scope) -> Reply:
        path: str = scope["path"]
        try:
            self._endpoint.guard.check(dict(scope["headers"]))
            return self._routed(scope["method"], path)
        except ModelDeployError as error:
            return error_reply(error, v2=path == "/v2" or path.startswith("/v2/"))

    def _routed(self, method: str, path: str) -> Reply:
        inference = _INFERENCE.fullmatch(path) is not None
        if inference and method == "POST":
            raise self._not_served(path)
        allowed = "POST, OPTIONS" if inference else "GET, HEAD, OPTIONS"
        reply = None if inference else self._read(path)
        if method == "OPTIONS":
            return Reply(204, b"", headers=((b"allow", allowed.encode()),))
        if reply is not None and method in ("GET", "HEAD"):
            return reply
        text = f"{path} takes {allowed}, not {method}."
        body = {"error": text if path.startswith("/v2") else {"code": "not_allowed", "message": text, "hint": ""}}
        return json_reply(body, 405, ((b"allow", allowed.encode()),))

    def _read(self, path: str) -> Reply:
        fixed: dict[str, Callable[[], Reply]] = {
            "/": self._description,
            "/v2": self._server,
            "/v2/health/live": lambda: json_reply({"live": True}),
            "/v2/health/ready": lambda: json_reply({"ready": True}),
            "/metrics": lambda: Reply(200, self._endpoint.metrics.render(), CONTENT_TYPE),
        }
        if answer := fixed.get(path.rstrip("/") or "/"):
            return answer()
        if found := _MODEL.fullmatch(path):
            return self._model(found["model"], found["version"], ready=found["ready"] is not None)
        raise NotFound(f"There is nothing at {path!r}.", "GET / lists the routes.")

    def _description(self) -> Reply:
        models = [
            {"name": model.name, "versions": list(model.versions), "task": model.get(None).task_name}
            for model in self._endpoint.models.values()
        ]
        return json_reply({"service": self._endpoint.service, "models": models, "routes": ROUTES})

    def _server(self) -> Reply:
        name = "jupyter_modeldeploy"
        return json_reply({"name": name, "version": version(name), "extensions": EXTENSIONS})

    def _model(self, name: str, number: str | None, ready: bool) -> Reply:
        model = self._endpoint.model(name)
        version = model.get(number)
        if ready:
            return json_reply({"name": name, "ready": True})
        tensors = {
            side: [{"name": spec.name, "datatype": spec.dtype, "shape": spec.shape} for spec in specs]
            for side, specs in (("inputs", version.signature.inputs), ("outputs", version.signature.outputs))
        }
        platform = PLATFORMS.get(version.format.value, version.format.value)
        return json_reply({"name": name, "versions": list(model.versions), "platform": platform, **tensors})

    def _not_served(self, path: str) -> ModelDeployError:
        parts = path.strip("/").split("/")
        name = parts[1] if parts[0] == "predict" else parts[2]
        number = parts[parts.index("versions") + 1] if "versions" in parts else None
        try:
            self._endpoint.model(name).get(number)
        except NotFound as error:
            return error
        return NotFound(f"There is nothing at {path!r}.", "GET / lists the routes.")

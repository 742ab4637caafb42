"""Triton's extensions of V2 over HTTP: configuration, statistics, repository, shared memory, trace and log settings."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.http.requests import object_in
from jupyter_modeldeploy.serving.http.responses import json_response
from jupyter_modeldeploy.serving.http.v2 import asked, of_model
from jupyter_modeldeploy.serving.protocols.triton import repository, settings
from jupyter_modeldeploy.serving.protocols.triton.config import model_config
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import require_number
from jupyter_modeldeploy.serving.protocols.triton.statistics import statistics

DONE: dict[str, Any] = {}


def routes(endpoint: Endpoint) -> list[BaseRoute]:
    async def config(request: Request) -> Response:
        return json_response(model_config(endpoint, *asked(request)))

    async def model_statistics(request: Request) -> Response:
        return json_response(statistics(endpoint, *asked(request)))

    async def all_statistics(request: Request) -> Response:
        return json_response(statistics(endpoint))

    return [
        Route("/v2/models/stats", all_statistics, name="counts and durations of all models"),
        *of_model("/config", config, "a model's configuration, as Triton describes it"),
        *of_model("/stats", model_statistics, "a model's counts and durations"),
        *_repository(endpoint),
        *_system_shared_memory(endpoint),
        *_cuda_shared_memory(),
        *_settings(endpoint),
    ]


def _repository(endpoint: Endpoint) -> list[BaseRoute]:
    async def index(request: Request) -> Response:
        only_ready = (await object_in(request)).get("ready", False)
        if not isinstance(only_ready, bool):
            raise InvalidInput(f"ready must be true or false, not {shown(only_ready)}.")
        return json_response(repository.index(endpoint, only_ready))

    async def load(request: Request) -> Response:
        name = request.path_params["model"]
        await repository.load(endpoint, request["caller"], name, await _parameters(request))
        return json_response({"name": name, "load": True})

    async def unload(request: Request) -> Response:
        name = request.path_params["model"]
        await _parameters(request)
        await repository.unload(endpoint, request["caller"], name)
        return json_response({"name": name, "unload": True})

    model = "/v2/repository/models/{model}"
    return [
        Route("/v2/repository/index", index, methods=["POST"], name="all models and their state"),
        Route(f"{model}/load", load, methods=["POST"], name="bring a model into memory"),
        Route(f"{model}/unload", unload, methods=["POST"], name="free a model's memory"),
    ]


def _system_shared_memory(endpoint: Endpoint) -> list[BaseRoute]:
    regions = endpoint.regions

    async def status(request: Request) -> Response:
        return json_response([region._asdict() for region in regions.status(request.path_params.get("region"))])

    async def register(request: Request) -> Response:
        repository.require_owner(request["caller"], "register shared memory")
        given = await object_in(request)
        key = given.get("key")
        if not isinstance(key, str):
            raise InvalidInput(f"key must be the name of a shared memory object, not {shown(key)}.")
        offset = require_number(given.get("offset", 0), "offset", least=0)
        byte_size = require_number(given.get("byte_size"), "byte_size", least=1)
        regions.register(request.path_params["region"], key, offset, byte_size)
        return json_response(DONE)

    async def unregister(request: Request) -> Response:
        repository.require_owner(request["caller"], "unregister shared memory")
        regions.unregister(request.path_params.get("region"))
        return json_response(DONE)

    memory, region = "/v2/systemsharedmemory", "/v2/systemsharedmemory/region/{region}"
    return [
        Route(f"{memory}/status", status, name="the registered regions of shared memory"),
        Route(f"{memory}/unregister", unregister, methods=["POST"], name="forget all regions"),
        Route(f"{region}/status", status, name="a region of shared memory"),
        Route(f"{region}/register", register, methods=["POST"], name="register a region of shared memory"),
        Route(f"{region}/unregister", unregister, methods=["POST"], name="forget a region"),
    ]


def _cuda_shared_memory() -> list[BaseRoute]:
    async def status(request: Request) -> Response:
        return json_response([])

    async def register(request: Request) -> Response:
        raise InvalidInput("CUDA shared memory is not supported.", "Use system shared memory.")

    async def unregister(request: Request) -> Response:
        return json_response(DONE)

    memory, region = "/v2/cudasharedmemory", "/v2/cudasharedmemory/region/{region}"
    return [
        Route(f"{memory}/status", status, name="no regions: CUDA shared memory is not supported"),
        Route(f"{memory}/unregister", unregister, methods=["POST"], name="nothing to forget"),
        Route(f"{region}/status", status, name="no region"),
        Route(f"{region}/register", register, methods=["POST"], name="refused"),
        Route(f"{region}/unregister", unregister, methods=["POST"], name="nothing to forget"),
    ]


def _settings(endpoint: Endpoint) -> list[BaseRoute]:
    async def trace(request: Request) -> Response:
        if "model" in request.path_params:
            endpoint.model(request.path_params["model"])
        if request.method == "POST":
            settings.refuse_tracing()
        return json_response(settings.TRACE)

    async def logging(request: Request) -> Response:
        if request.method == "POST":
            settings.refuse_logging()
        return json_response(settings.LOGGING)

    both = ["GET", "POST"]
    return [
        Route("/v2/trace/setting", trace, methods=both, name="the trace settings, which cannot be changed"),
        Route("/v2/models/{model}/trace/setting", trace, methods=both, name="the same of a model"),
        Route("/v2/logging", logging, methods=both, name="the log settings, which cannot be changed"),
    ]


async def _parameters(request: Request) -> dict[str, Any]:
    parameters = (await object_in(request)).get("parameters", {})
    if not isinstance(parameters, dict):
        raise InvalidInput(f"parameters must be an object, not {shown(parameters)}.")
    return parameters

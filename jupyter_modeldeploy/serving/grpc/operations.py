"""Everything that is asked of the service beside inference: each method answers as the same route over HTTP does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.json_format import ParseDict

from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.grpc.handlers import Operation
from jupyter_modeldeploy.serving.grpc.messages import of_method, value_of
from jupyter_modeldeploy.serving.protocols import metadata
from jupyter_modeldeploy.serving.protocols.triton import repository, settings
from jupyter_modeldeploy.serving.protocols.triton.config import model_config
from jupyter_modeldeploy.serving.protocols.triton.statistics import statistics

Function = Callable[[Endpoint, str, Any], dict[str, Any] | Awaitable[dict[str, Any]]]
"""What the caller of that name asks of the endpoint in a message, as the JSON form of the answer's message."""
DONE: dict[str, Any] = {}


def operations(endpoint: Endpoint) -> dict[str, Callable[[Headers, str], Operation]]:
    """What gives the handler of a call with such metadata of a caller, by the name of the method."""
    return {name: _of(endpoint, name, function) for name, function in _FUNCTIONS.items()}


def _of(endpoint: Endpoint, name: str, function: Function) -> Callable[[Headers, str], Operation]:
    request, answer = of_method(name)

    async def answered(caller: str, message: Any) -> Any:
        told = function(endpoint, caller, message)
        return ParseDict(told if isinstance(told, dict) else await told, answer())

    return lambda _, caller: Operation(request, lambda message: answered(caller, message))


def _model_ready(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    """Not ready, rather than an error, where there is none of that name: as the protocol's servers answer."""
    try:
        return {"ready": metadata.is_ready(endpoint, asked.name, asked.version or None)}
    except NotFound:
        return {"ready": False}


def _model_metadata(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    return metadata.model(endpoint, asked.name, asked.version or None)


def _model_config(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    return {"config": model_config(endpoint, asked.name, asked.version or None)}


def _statistics(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    return statistics(endpoint, asked.name or None, asked.version or None)


def _index(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    _check_repository(asked)
    return {"models": repository.index(endpoint, asked.ready)}


async def _load(endpoint: Endpoint, caller: str, asked: Any) -> dict[str, Any]:
    _check_repository(asked)
    parameters = {name: value_of(value) for name, value in asked.parameters.items()}
    await repository.load(endpoint, caller, asked.model_name, parameters)
    return DONE


async def _unload(endpoint: Endpoint, caller: str, asked: Any) -> dict[str, Any]:
    _check_repository(asked)
    await repository.unload(endpoint, caller, asked.model_name)
    return DONE


def _check_repository(asked: Any) -> None:
    if asked.repository_name:
        raise InvalidInput("There is one repository here, which has no name.", "Leave repository_name empty.")


def _regions(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    return {"regions": {region.name: region._asdict() for region in endpoint.regions.status(asked.name or None)}}


def _register(endpoint: Endpoint, caller: str, asked: Any) -> dict[str, Any]:
    repository.require_owner(caller, "register shared memory")
    endpoint.regions.register(asked.name, asked.key, asked.offset, asked.byte_size)
    return DONE


def _unregister(endpoint: Endpoint, caller: str, asked: Any) -> dict[str, Any]:
    repository.require_owner(caller, "unregister shared memory")
    endpoint.regions.unregister(asked.name or None)
    return DONE


def _register_cuda(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    raise InvalidInput("CUDA shared memory is not supported.", "Use system shared memory.")


def _trace(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    if asked.model_name:
        endpoint.model(asked.model_name)
    if asked.settings:
        settings.refuse_tracing()
    values = {name: value if isinstance(value, list) else [value] for name, value in settings.TRACE.items()}
    return {"settings": {name: {"value": value} for name, value in values.items()}}


def _logging(endpoint: Endpoint, _: str, asked: Any) -> dict[str, Any]:
    if asked.settings:
        settings.refuse_logging()
    kinds = {bool: "bool_param", int: "uint32_param", str: "string_param"}
    return {"settings": {name: {kinds[type(value)]: value} for name, value in settings.LOGGING.items()}}


_FUNCTIONS: dict[str, Function] = {
    "ServerLive": lambda *_: {"live": True},
    "ServerReady": lambda *_: {"ready": True},
    "ServerMetadata": lambda *_: metadata.server(),
    "ModelReady": _model_ready,
    "ModelMetadata": _model_metadata,
    "ModelConfig": _model_config,
    "ModelStatistics": _statistics,
    "RepositoryIndex": _index,
    "RepositoryModelLoad": _load,
    "RepositoryModelUnload": _unload,
    "SystemSharedMemoryStatus": _regions,
    "SystemSharedMemoryRegister": _register,
    "SystemSharedMemoryUnregister": _unregister,
    "CudaSharedMemoryStatus": lambda *_: DONE,
    "CudaSharedMemoryRegister": _register_cuda,
    "CudaSharedMemoryUnregister": lambda *_: DONE,
    "TraceSetting": _trace,
    "LogSettings": _logging,
}

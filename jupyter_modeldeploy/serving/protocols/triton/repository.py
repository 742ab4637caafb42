"""The model repository extension: which models there are, and those that are kept in memory."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.errors import Forbidden, InvalidInput, Unavailable
from jupyter_modeldeploy.serving.access import ANYBODY
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.tokens import OWNER


def index(endpoint: Endpoint, only_ready: bool = False) -> list[dict[str, Any]]:
    """Every version of every model with its state."""
    return [
        {
            "name": model.name,
            "version": version,
            "state": "READY" if model.loaded else "UNAVAILABLE",
            "reason": "" if model.loaded else "unloaded",
        }
        for model in endpoint.models.values()
        for version in model.versions
        if model.loaded or not only_ready
    ]


async def load(endpoint: Endpoint, caller: str, name: str, parameters: dict[str, Any]) -> None:
    """Return when every server process has the model in memory. Raises NotFound, Forbidden, ServiceFailed."""
    if given := sorted(parameters):
        raise InvalidInput(f"A model is loaded as its version is; {given[0]!r} cannot be given.", "Send no parameters.")
    require_owner(caller, "load models")
    endpoint.model(name)
    if endpoint.repository is None:
        raise Unavailable("Models cannot be loaded here.")
    await endpoint.repository.load(name)


async def unload(endpoint: Endpoint, caller: str, name: str) -> None:
    """Return when no server process has the model in memory. Raises NotFound, Forbidden."""
    require_owner(caller, "unload models")
    endpoint.model(name)
    if endpoint.repository is None:
        raise Unavailable("Models cannot be unloaded here.")
    await endpoint.repository.unload(name)


def require_owner(caller: str, what: str) -> None:
    """Raise Forbidden unless the caller has the service's own token, or nobody needs one."""
    if caller not in (OWNER, ANYBODY):
        raise Forbidden(f"{caller!r} may not {what}.", "The service's own token is needed.")

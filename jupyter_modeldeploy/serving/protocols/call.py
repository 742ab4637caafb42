"""What a language that requests are made in gives the endpoint, whichever it is: V2, V1, a task's own words, gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Protocol

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion

NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})


class Answer(Protocol):
    """What is sent back; `status` is the HTTP status, for the counts. `extra_headers`, names in lower case, are those
    that tell of this answer alone: how it came about, and the request's own id."""

    status: int
    extra_headers: tuple[tuple[bytes, bytes], ...]


class Call(Protocol):
    """A parsed request: `payload` is what `ServedVersion.run_<kind>` takes, `rows` how many rows it has. `parameters`
    are the request's own, of which `timeout` and `priority` are heeded. `version` is the one that answers: it may be
    replaced by another that reads requests alike."""

    version: ServedVersion
    kind: Literal["tensors", "items"]
    payload: Any
    rows: int

    @property
    def parameters(self) -> Mapping[str, Any]: ...

    def answer(self, result: Any) -> Answer:
        """The answer that carries the result. Raises InvalidInput where it cannot be as the request wants it."""


class Language(Protocol):
    """A way to ask: stateless, one for all requests."""

    def decode(self, version: ServedVersion, headers: Headers, body: Any) -> Call:
        """The request in `body` (bytes over HTTP, a message over gRPC). Raises InvalidInput."""

    def refuse(self, error: ModelDeployError, version: str | None = None) -> Any:
        """The answer that tells of `error`; `version` is the one that was asked."""

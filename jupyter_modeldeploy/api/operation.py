"""What an operation is."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from jupyter_modeldeploy.errors import from_validation_error
from jupyter_modeldeploy.workspace import Workspace

Action = Literal["read", "write", "execute"]


class Request(BaseModel):
    """Base of all requests: the path's parameters, the query (GET, DELETE) or the body (POST) in one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LongPoll(Request):
    """A request that may wait up to `wait` seconds for a change after number `since`, if it names one."""

    since: int | None = None
    wait: float = 0


@dataclass(frozen=True)
class Operation:
    """One call. `action` is what the caller must be allowed to do with the resource `modeldeploy`."""

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    action: Action
    request: type[Request]
    response: type[BaseModel]
    call: Callable[[Workspace, Any], BaseModel]
    status: int = 200

    @property
    def path_parameters(self) -> list[str]:
        return [name for _, name, _, _ in string.Formatter().parse(self.path) if name]

    @property
    def waits(self) -> bool:
        """Whether its answer may take until there is something to tell."""
        return issubclass(self.request, LongPoll)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.call.__doc__ or "").strip().splitlines()[0]

    def parse(self, fields: dict[str, Any]) -> Request:
        """The typed request. Raises InvalidInput that names each wrong field."""
        try:
            return self.request.model_validate(fields)
        except ValidationError as error:
            raise from_validation_error(error, self.name) from error

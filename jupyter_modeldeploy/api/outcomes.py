"""The operation that takes what became of units and requests after they were answered."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import ByName
from jupyter_modeldeploy.records import Name
from jupyter_modeldeploy.workspace import Workspace


class NewOutcome(Request):
    """Of a unit or of a request; the same `id`, or the same metric of the same request, counts once."""

    unit: str | None = Field(default=None, min_length=1, max_length=1024, description="as in X-Unit-Id")
    request_id: str | None = Field(
        default=None, min_length=1, max_length=1024, description="in its place, the X-Request-Id that was answered"
    )
    metric: Name = Field(description="what it is called in metrics")
    value: float = Field(default=1.0, ge=-1e15, le=1e15, allow_inf_nan=False)
    id: str | None = Field(default=None, min_length=1, max_length=1024, description="so that it counts once")
    at: AwareDatetime | None = Field(default=None, description="when it was; else now")
    before: bool = Field(default=False, description="from before the experiment, of a unit: it makes the verdict surer")


class RecordOutcomes(ByName):
    outcomes: list[NewOutcome] = Field(max_length=10_000)


class OutcomesTaken(BaseModel):
    taken: int


def record_outcomes(workspace: Workspace, request: RecordOutcomes) -> OutcomesTaken:
    """Tell what became of units and requests of a service that records exposures."""
    outcomes = [one.model_dump(mode="json", exclude_none=True) for one in request.outcomes]
    return OutcomesTaken(taken=workspace.services.record_outcomes(request.name, outcomes))


OUTCOMES = (
    Operation(
        "record_outcomes",
        "POST",
        "services/{name}/outcomes",
        "execute",
        RecordOutcomes,
        OutcomesTaken,
        record_outcomes,
        status=202,
    ),
)

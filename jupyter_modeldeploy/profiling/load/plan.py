"""What a load is to be: one endpoint, what it is sent, and the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.load.target import Body, Target
from jupyter_modeldeploy.profiling.load.windows import Length
from jupyter_modeldeploy.records.loads import Arrivals


@dataclass(frozen=True)
class Step:
    """A closed loop of `concurrency` connections, or an open one: `rate` requests a second, or those due at `times`
    (seconds, of a trace that is played `speed` times as fast) on as many `connections` as there may be."""

    length: Length
    concurrency: int | None = None
    rate: float | None = None
    times: Sequence[float] | None = None
    speed: float = 1.0
    arrivals: Arrivals = "poisson"
    connections: int = 64

    def __post_init__(self) -> None:
        given = [each for each in (self.concurrency, self.rate, self.times) if each is not None]
        if len(given) != 1:
            raise InvalidInput("A step needs one of concurrency, rate and times.")
        if not given[0] or (self.rate or 0) < 0 or (self.concurrency or 1) < 1 or self.connections < 1:
            raise InvalidInput("A step sends at least one request, on at least one connection.")


@dataclass(frozen=True)
class Plan:
    """`bodies` are sent in turn as `POST`s to `url`. `statistics_url` is where the server tells what it did with its
    time (Triton's statistics extension), None where it does not. `certificate` is a file with the server's own."""

    url: str
    bodies: Sequence[Body]
    steps: Sequence[Step]
    headers: dict[str, str] = field(default_factory=dict)
    unix_socket: str | None = None
    certificate: str | None = None
    timeout_s: float = 30.0
    statistics_url: str | None = None

    def target(self) -> Target:
        """Raises InvalidInput for a URL or headers that cannot be sent."""
        return Target.parse(self.url, self.headers, self.unix_socket, self.certificate)

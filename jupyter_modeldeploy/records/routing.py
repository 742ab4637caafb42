"""Which version of a served model answers whom: shares, rules, namespaces, and copies of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from jupyter_modeldeploy.records.base import Name, Record

FEATURES = ("characters", "rows", "bytes")
"""What a rule may ask of the input itself."""
Share = Annotated[float, Field(ge=0, le=1)]
ATTRIBUTE_PATTERN = r"^(header:)?[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


class Arm(Record):
    """One version of a served model and its share of the traffic (weights need not sum to 1)."""

    version: int
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)


def _shared(arms: list[Arm]) -> list[Arm]:
    if arms and sum(arm.weight for arm in arms) <= 0:
        raise ValueError("the weights must not all be zero")
    if len({arm.version for arm in arms}) != len(arms):
        raise ValueError("a version is named twice")
    return arms


class Condition(Record):
    """Something that must hold of a request. `value` is one, of `in` and `not in` a list, of `>=` and `<=` a number.

    What a request does not say fits `not in` alone."""

    attribute: Annotated[str, StringConstraints(pattern=ATTRIBUTE_PATTERN)] = Field(
        description="unit (X-Unit-Id); characters, rows or bytes of the input; header:NAME; any other NAME is of the "
        "header X-Attribute-NAME"
    )
    operator: Literal["in", "not in", "=", ">=", "<=", "prefix"] = "="
    value: str | float | list[str | float]


class RoutingRule(Record):
    """Requests of which all `conditions` hold go to `version`, or are split among `arms`."""

    name: str = Field(default="", max_length=64)
    conditions: list[Condition] = Field(min_length=1, max_length=16)
    version: int | None = None
    arms: Annotated[list[Arm], AfterValidator(_shared)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_way(self) -> RoutingRule:
        if (self.version is None) == (not self.arms):
            raise ValueError("a rule has either a version or arms")
        return self


class Namespace(Record):
    """The units whose place in the namespace `id` is from `start` to below `end`: what has ranges of one namespace that
    are apart shares no unit."""

    id: Name
    start: Share = 0.0
    end: Share = 1.0

    def __str__(self) -> str:
        """`checkout:0-0.5`"""
        return f"{self.id}:{self.start:g}-{self.end:g}"

    def overlaps(self, other: Namespace) -> bool:
        """Whether some unit may be in both: units of two namespaces are not told apart."""
        return self.id != other.id or (self.start < other.end and other.start < self.end)


def free_ranges(taken: Sequence[Namespace]) -> list[Namespace]:
    """What is left of the one namespace that all of `taken`, one at least, are ranges of."""
    ends = [(0.0, 0.0), *sorted((one.start, one.end) for one in taken), (1.0, 1.0)]
    found, reached = [], 0.0
    for start, end in ends:
        if start > reached:
            found.append(Namespace(id=taken[0].id, start=reached, end=start))
        reached = max(reached, end)
    return found


class RangeSplit(Record):
    """A split of its own for the units in a range of a namespace: the experiment `name` shares a model's traffic with
    others and no unit with them. A unit's place in it is of the seed `<service>/<model>/<name>`."""

    name: Name
    namespace: Namespace
    arms: Annotated[list[Arm], AfterValidator(_shared)] = Field(min_length=1)


class Shadow(Record):
    """A version that gets copies of this share of the requests; nobody sees its answers."""

    version: int
    share: float = Field(default=1.0, gt=0, le=1)


class ServedModel(Record):
    """The first of the `rules` that fits a request tells its version; else the split of the range that its unit is in,
    if it is in one of `ranges`; else the `arms` share it. Units outside the `namespace`, and requests without a unit
    where there is one, get the first arm."""

    model: Name
    arms: Annotated[list[Arm], AfterValidator(_shared)] = Field(min_length=1)
    fallback: int | None = None
    """The version that answers where the chosen one fails or its breaker is open."""
    rules: list[RoutingRule] = Field(default_factory=list, max_length=32)
    namespace: Namespace | None = None
    ranges: list[RangeSplit] = Field(default_factory=list, max_length=32)
    shadow: list[Shadow] = Field(default_factory=list, max_length=4)

"""What a rule asks of a version's figures, as people write it: `accuracy >= 0.9`, `accuracy >= production - 0.005`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_modeldeploy.errors import InvalidInput

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+"
WRITTEN = re.compile(
    r"\s*(?P<metric>[A-Za-z]\w*)\s*(?P<sign>>=|<=|>|<)\s*"
    rf"(?:(?P<bound>-?(?:{NUMBER}))|(?P<alias>[A-Za-z][\w.-]*)(?:\s+(?P<by>[-+*])\s*(?P<amount>{NUMBER}))?)\s*"
)


@dataclass(frozen=True)
class Condition:
    """`metric` must be `sign` (>=, <=, >, <) than a bound: a number, or the same figure of the version that `alias`
    points at, times `factor` and plus `offset`."""

    text: str
    metric: str
    sign: str
    alias: str | None
    factor: float = 1.0
    offset: float = 0.0

    def bound(self, other: float) -> float:
        """The bound, where the alias's version has the figure `other` (0 without an alias)."""
        return other * self.factor + self.offset

    def holds(self, value: float, bound: float) -> bool:
        return COMPARISONS[self.sign](value, bound)


def parse(text: str) -> Condition:
    """Read a condition. Raises InvalidInput with how one is written."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no condition.",
            "Write METRIC >= NUMBER or METRIC >= ALIAS - NUMBER, as in accuracy >= production - 0.005.",
        )
    metric, sign, alias = found["metric"], found["sign"], found["alias"]
    if alias is None:
        return Condition(text.strip(), metric, sign, None, offset=float(found["bound"]))
    amount = float(found["amount"] or 0)
    if found["by"] == "*":
        return Condition(text.strip(), metric, sign, alias, factor=amount)
    return Condition(text.strip(), metric, sign, alias, offset=-amount if found["by"] == "-" else amount)

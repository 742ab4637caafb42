"""What of a service's routing cannot be meant is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import ServedModel
from jupyter_modeldeploy.serving.contradictions import check_routing


def served(**fields: Any) -> ServedModel:
    return ServedModel.model_validate({"model": "m", "arms": [{"version": 1}, {"version": 2}], **fields})


def rule(*conditions: tuple[str, str, Any], version: int = 2) -> dict[str, Any]:
    return {
        "conditions": [
            {"attribute": name, "operator": operator, "value": value} for name, operator, value in conditions
        ],
        "version": version,
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rules": [rule(("age", ">=", 18), ("age", "<=", 17))]}, "never fits"),
        ({"rules": [rule(("region", "=", "eu"), ("region", "in", ["us", "uk"]))]}, "never fits"),
        ({"rules": [rule(("region", "=", "eu"), ("header:X-Attribute-Region", "not in", ["eu"]))]}, "never fits"),
        ({"rules": [rule(("unit", "in", ["a1", "a2"]), ("unit", "prefix", "b"))]}, "never fits"),
        ({"rules": [rule(("rows", "<=", -1))]}, "never fits"),
        ({"rules": [rule(("rows", "prefix", "1"))]}, "a number"),
        ({"rules": [rule(("characters", ">=", "many"))]}, "compares characters with 'many'"),
        ({"rules": [rule(("region", "=", ["eu", "us"]))]}, "one value"),
        ({"rules": [rule(("region", "in", []))]}, "a list"),
        ({"rules": [rule(("region", "=", "eu")), rule(("rows", ">=", 2), ("region", "=", "eu"))]}, "never reached"),
        ({"namespace": {"id": "n", "start": 0.5, "end": 0.5}}, "holds nobody"),
        ({"shadow": [{"version": 3}, {"version": 3}]}, "named twice"),
        ({"arms": [{"version": 1}, {"version": 2, "weight": 0}], "shadow": [{"version": 1}]}, "shadow of itself"),
    ],
)
def test_it_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as raised:
        check_routing(served(**fields))
    assert raised.value.hint


def test_what_can_be_meant_passes() -> None:
    rules = [
        rule(("age", ">=", 18), ("age", "<=", 65), ("age", "in", ["20", 30])),
        rule(("age", ">=", 18), ("region", "not in", ["eu"]), ("region", "prefix", ["e", "u"])),
        rule(("age", ">=", 18)),
    ]
    check_routing(served(rules=rules, namespace={"id": "n", "end": 0.5}, shadow=[{"version": 2, "share": 0.1}]))

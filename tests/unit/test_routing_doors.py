"""Who would get which version is told as the data plane decides it; routing is given as a file, and stays as versions
change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.records import ServedModel
from jupyter_modeldeploy.serving.previewing import preview
from jupyter_modeldeploy.serving.routing import Routing
from jupyter_modeldeploy.workspace.routing import kept, read_routing, routed, served_model

TOML = """
[namespace]
id = "checkout"
end = 0.5

[[rules]]
name = "short"
conditions = [{attribute = "characters", operator = "<=", value = 20}]
version = 2

[[shadow]]
version = 2
share = 0.1
"""
UNITS = [f"user-{number}" for number in range(2000)]


def served(**fields: Any) -> ServedModel:
    return ServedModel.model_validate({"model": "m", "arms": [{"version": 1}, {"version": 2}], **fields})


def test_a_preview_says_who_gets_what_and_why_as_requests_are_routed(tmp_path: Path) -> None:
    (tmp_path / "routing.toml").write_text(TOML)
    (wanted,) = routed([served()], read_routing(tmp_path / "routing.toml"))
    shown = preview("s", wanted, UNITS, {})
    choose = Routing("s/m", wanted, int).choose
    for one in shown.assignments:
        choice = choose({b"x-unit-id": str(one.unit).encode()})
        assert (one.version, one.why, one.in_namespace) == (choice.version, choice.why, choice.why == "share")
    assert {one.version: one.units for one in shown.shares}[1] > 1400
    assert sum(one.units for one in shown.shares) == len(UNITS)
    assert shown.shadow == [2]
    short = preview("s", wanted, ["alice"], {}, {"text": "so short"}).assignments[0]
    assert (short.version, short.why, short.rule) == (2, "rule", "short")
    assert preview("s", wanted, ["alice"], {"characters": 21}).assignments[0].why != "rule"


def test_attributes_are_the_headers_that_requests_have() -> None:
    rules = [{"conditions": [{"attribute": "region", "operator": "in", "value": ["eu", "uk"]}], "version": 7}]
    assert preview("s", served(rules=rules), ["a"], {"region": "uk"}).shares[0].version == 7
    assert preview("s", served(rules=rules), ["a"], {"region": "us"}).shares[0].version != 7
    with pytest.raises(InvalidInput, match="whole numbers"):
        preview("s", served(), ["a"], {"rows": "many"})


def test_a_new_split_leaves_rules_as_they_are() -> None:
    before = served(namespace={"id": "n", "end": 0.5}, fallback=1)
    other = ServedModel.model_validate({"model": "other", "arms": [{"version": 1}]})
    split, alone = kept([served(arms=[{"version": 3}]), other], [before])
    assert (split.arms[0].version, split.namespace, split.fallback) == (3, before.namespace, None)
    assert alone == other


def test_routing_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    for content, reason in (("{", "is no json"), ('{"arms": []}', "something else"), ("[]", "something else")):
        path.write_text(content)
        with pytest.raises(InvalidInput, match=reason):
            read_routing(path)
    path.write_text(json.dumps({"namespace": {"id": "n", "end": 2}}))
    with pytest.raises(InvalidInput, match=r"namespace\.end"):
        routed([served()], read_routing(path))
    with pytest.raises(InvalidInput, match="several models"):
        served_model([served(), served()], None)
    with pytest.raises(NotFound):
        served_model([served()], "x")

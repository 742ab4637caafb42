"""Traffic is split as the weights say, a unit meets the same version every time, and rules come first."""

from __future__ import annotations

from typing import Any

import pytest
from numpy import array, float32

from jupyter_modeldeploy import assignment
from jupyter_modeldeploy.records import ServedModel
from jupyter_modeldeploy.serving.conditions import Facts, facts_of
from jupyter_modeldeploy.serving.routing import Choice, Routing

UNITS = [b"user-%d" % number for number in range(20_000)]


def routing(*weights: float, seed: str = "service/model", **wanted: Any) -> Routing[int]:
    arms = [{"version": number, "weight": weight} for number, weight in enumerate(weights, 1)]
    return Routing(seed, ServedModel.model_validate({"model": "model", "arms": arms, **wanted}), int)


def chosen(of: Routing[int], units: list[bytes] = UNITS) -> list[int]:
    return [of.choose({b"x-unit-id": unit}).version for unit in units]


def version(of: Routing[int], facts: Facts | None = None, **headers: str) -> int:
    return of.choose(
        {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}, facts
    ).version


@pytest.mark.parametrize("weights", [[0.5, 0.5], [9, 1], [1, 2, 1], [0, 1, 3], [1, 0, 1e-9]])
def test_a_unit_is_where_the_published_formula_puts_it(weights: list[float]) -> None:
    whole = sum(weights)
    ranges = assignment.bucket_ranges(len(weights), weights=[weight / whole for weight in weights])
    for unit, number in zip(UNITS[:3000], chosen(routing(*weights), UNITS[:3000]), strict=True):
        place = assignment.bucket("service/model", unit.decode())
        assert place is not None
        assert number - 1 == assignment.choose(place, ranges)


@pytest.mark.parametrize("weights", [[0.5, 0.5], [9, 1], [1, 2, 1]])
@pytest.mark.parametrize("sticky", [True, False])
def test_shares_follow_the_weights(weights: list[float], sticky: bool) -> None:
    split, count = routing(*weights), len(UNITS)
    got = chosen(split) if sticky else [split.choose({}).version for _ in range(count)]
    for arm, weight in enumerate(weights, 1):
        share = weight / sum(weights)
        assert abs(got.count(arm) - count * share) < 5 * (count * share * (1 - share)) ** 0.5


def test_a_unit_once_in_the_candidate_stays_while_its_share_rises() -> None:
    inside: set[int] = set()
    for percent in (0, 1, 10, 25, 50, 75, 100):
        now = {place for place, number in enumerate(chosen(routing(100 - percent, percent))) if number == 2}
        assert inside <= now
        inside = now
    assert len(inside) == len(UNITS)


def test_a_version_without_weight_gets_nobody_and_a_sole_one_is_known() -> None:
    split = routing(0, 1, 0)
    assert set(chosen(split)) == {2}
    assert (split.only, routing(1, 1).only) == (2, None)


def test_the_split_of_one_service_says_nothing_about_another() -> None:
    one, other = chosen(routing(1, 1, seed="one/model")), chosen(routing(1, 1, seed="other/model"))
    assert abs(sum(a == b for a, b in zip(one, other, strict=True)) - 10_000) < 5 * 71


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "fits", "does_not"),
    [
        ("region", "=", "eu", {"x_attribute_region": "eu"}, {"x_attribute_region": "us"}),
        ("region", "in", ["eu", "uk"], {"x_attribute_region": "uk"}, {}),
        ("region", "not in", ["eu"], {}, {"x_attribute_region": "eu"}),
        ("Region", "prefix", "eu-", {"x_attribute_region": "eu-west"}, {"x_attribute_region": "us-eu-"}),
        ("age", ">=", 18, {"x_attribute_age": "18"}, {"x_attribute_age": "17.5"}),
        ("age", "<=", 18, {"x_attribute_age": "-1"}, {"x_attribute_age": "old"}),
        ("plan", "=", 3, {"x_attribute_plan": "3"}, {"x_attribute_plan": "30"}),
        ("header:User-Agent", "prefix", ["curl", "wget"], {"user_agent": "curl/8"}, {"x_attribute_user_agent": "curl"}),
        ("unit", "in", ["alice", "bob"], {"x_unit_id": "bob"}, {"x_unit_id": "carol"}),
    ],
)
def test_a_rule_sends_whom_it_fits_to_its_version(
    attribute: str, operator: str, value: Any, fits: dict[str, str], does_not: dict[str, str]
) -> None:
    condition = {"attribute": attribute, "operator": operator, "value": value}
    route = routing(1, rules=[{"conditions": [condition], "version": 7}])
    assert version(route, **fits) == 7
    assert version(route, **does_not) == 1
    assert not route.reads


def test_the_first_rule_that_fits_wins_and_all_its_conditions_must_hold() -> None:
    eu = {"attribute": "region", "value": "eu"}
    rules = [
        {"name": "big", "conditions": [eu, {"attribute": "rows", "operator": ">=", "value": 8}], "version": 7},
        {"conditions": [eu], "version": 8},
    ]
    route = routing(1, rules=rules)
    assert route.reads
    assert route.choose({b"x-attribute-region": b"eu"}, Facts(8, 0, 0)) == Choice(7, "rule", "big")
    assert route.choose({b"x-attribute-region": b"eu"}, Facts(7, 0, 0)) == Choice(8, "rule", "rule 2")
    assert route.choose({}, Facts(8, 0, 0)) == Choice(1)


def test_a_rule_may_split_what_it_fits_and_a_unit_has_the_same_place_there() -> None:
    arms = [{"version": 3, "weight": 1}, {"version": 4, "weight": 1}]
    route = routing(
        1, 1, rules=[{"conditions": [{"attribute": "unit", "operator": "prefix", "value": "user-1"}], "arms": arms}]
    )
    plain = chosen(routing(1, 1))
    for unit, got, before in zip(UNITS, chosen(route), plain, strict=True):
        assert got == before + 2 * unit.startswith(b"user-1")


def test_short_texts_go_to_the_small_model() -> None:
    condition = {"attribute": "characters", "operator": "<=", "value": 20}
    route = routing(1, rules=[{"conditions": [condition], "version": 2}])
    assert version(route, facts_of(["short"], 1)) == 2
    assert version(route, facts_of(["long " * 10], 1)) == 1
    assert version(route) == 1  # nothing is known of the input


def test_an_input_is_as_large_whichever_way_it_comes() -> None:
    texts = array(["é!".encode(), b"abc"], object)
    assert facts_of(["é!", "abc"], 2) == facts_of({"text": texts}, 2) == Facts(2, 5, 6)
    assert facts_of({"x": array([[1, 2]], float32)}, 1) == Facts(1, 0, 8)


def test_who_is_outside_of_the_namespace_gets_the_first_version_and_ranges_apart_share_nobody() -> None:
    units, inside = UNITS[:5000], []
    for start, end in ((0.0, 0.4), (0.4, 1.0)):
        route = routing(1, 1, namespace={"id": "checkout", "start": start, "end": end})
        choices = {unit: route.choose({b"x-unit-id": unit}) for unit in units}
        inside.append({unit for unit, choice in choices.items() if choice.why == "share"})
        assert {choices[unit] for unit in units if unit not in inside[-1]} == {Choice(1, "outside the namespace")}
        assert {choices[unit].version for unit in inside[-1]} == {1, 2}
        assert route.choose({}) == Choice(1, "outside the namespace")
    assert not inside[0] & inside[1]
    assert len(inside[0] | inside[1]) == len(units)
    assert routing(0, 1, namespace={"id": "checkout"}).only is None


def halves(first: dict[str, Any] | None, second: dict[str, Any] | None) -> Routing[int]:
    """Two ranges of `checkout`, with what is changed of each; None leaves one out."""
    one = {"name": "a", "namespace": {"id": "checkout", "end": 0.5}, "arms": split_of(1, 2)}
    other = {"name": "b", "namespace": {"id": "checkout", "start": 0.5, "end": 0.9}, "arms": split_of(1, 3)}
    pairs = ((one, first), (other, second))
    return routing(1, 0, 0, ranges=[{**known, **changed} for known, changed in pairs if changed is not None])


def split_of(base: int, candidate: int, share: float = 0.5) -> list[dict[str, float]]:
    return [{"version": base, "weight": 1 - share}, {"version": candidate, "weight": share}]


def test_a_unit_is_in_one_range_at_most_and_in_none_it_gets_what_all_others_get() -> None:
    found = {unit: halves({}, {}).choose({b"x-unit-id": unit}) for unit in UNITS}
    for unit, choice in found.items():
        at = assignment.fnv1a32(f"{unit.decode()}__checkout") % 1000 / 1000
        mine = "a" if at < 0.5 else "b" if at < 0.9 else ""
        place = assignment.bucket(f"service/model/{mine}", unit.decode())
        assert place is not None
        assert (choice.experiment, choice.why) == (mine, "share")
        assert choice.version == (1 if not mine or place < 0.5 else {"a": 2, "b": 3}[mine])
    assert {choice.version for choice in found.values()} == {1, 2, 3}
    assert halves({}, None).choose({}).version == 1, "nobody in particular is in no range"
    assert halves({}, None).only is None


@pytest.mark.parametrize("first", [None, {"arms": split_of(1, 2, 1.0)}])
def test_what_becomes_of_one_range_moves_no_unit_of_another(first: dict[str, Any] | None) -> None:
    before, after = halves({}, {}), halves(first, {})
    for unit in UNITS[:5000]:
        choices = [each.choose({b"x-unit-id": unit}) for each in (before, after)]
        if choices[0].experiment != "a":
            assert choices[0] == choices[1]

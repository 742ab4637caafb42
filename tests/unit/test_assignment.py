"""A unit's arm is the one that GrowthBook's SDKs compute, with the numbers of their published test cases."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy import assignment

CASES = json.loads((Path(__file__).parent.parent / "oracles" / "growthbook.json").read_text())


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968), ("b", 0xE70C2DE5)]
)
def test_the_hash_is_fnv_1a_with_32_bits(text: str, expected: int) -> None:
    """Values from the authors' own test suite (isthe.com/chongo/tech/comp/fnv)."""
    assert assignment.fnv1a32(text) == expected


@pytest.mark.parametrize(("seed", "value", "version", "place"), CASES["hash"])
def test_a_place_is_the_published_one(seed: str, value: str, version: int, place: float | None) -> None:
    assert assignment.bucket(seed, value, version) == place


@pytest.mark.parametrize(("tried", "given", "ranges"), CASES["getBucketRange"])
def test_ranges_are_the_published_ones(tried: str, given: list[Any], ranges: list[list[float]]) -> None:
    found = assignment.bucket_ranges(*given)
    assert [place for each in found for place in each] == pytest.approx([place for each in ranges for place in each])


@pytest.mark.parametrize(("tried", "place", "ranges", "arm"), CASES["chooseVariation"])
def test_a_place_is_in_the_published_arm(tried: str, place: float, ranges: list[Any], arm: int) -> None:
    assert assignment.choose(place, ranges) == arm


@pytest.mark.parametrize(("tried", "unit", "namespace", "within"), CASES["inNamespace"])
def test_a_unit_is_in_the_published_namespace(tried: str, unit: str, namespace: list[Any], within: bool) -> None:
    assert assignment.in_namespace(unit, namespace[0], (namespace[1], namespace[2])) is within


@pytest.mark.parametrize(("arms", "weights"), CASES["getEqualWeights"])
def test_equal_weights_are_the_published_ones(arms: int, weights: list[float]) -> None:
    assert assignment.equal_weights(arms) == pytest.approx(weights, abs=1e-8)


def test_the_fast_way_to_a_place_is_the_formula() -> None:
    """Texts of all lengths, in and beyond ASCII."""
    draw = random.Random(7)
    place = assignment.places("svc/model")
    for length in range(400):
        value = "".join(chr(draw.choice((draw.randrange(128), draw.randrange(0xD800)))) for _ in range(length % 80))
        value = value if length % 2 else value.encode("ascii", "ignore").decode()
        formula = assignment.fnv1a32(str(assignment.fnv1a32("svc/model" + value))) % 10000
        assert place(value.encode()) == formula


def test_characters_beyond_16_bits_count_as_two_units() -> None:
    assert assignment.fnv1a32("\U0001f600") == assignment.fnv1a32("\ud83d\ude00")

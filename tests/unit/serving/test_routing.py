"""Traffic is split as the weights say, and a unit meets the same version every time."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.serving.routing import Split, bucket, fnv1a32


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968), ("b", 0xE70C2DE5)]
)
def test_the_hash_is_fnv_1a_with_32_bits(text: str, expected: int) -> None:
    """Values from the authors' own test suite (isthe.com/chongo/tech/comp/fnv)."""
    assert fnv1a32(text) == expected


def test_characters_beyond_16_bits_count_as_two_units() -> None:
    assert fnv1a32("\U0001f600") == fnv1a32("\ud83d\ude00")


def test_a_bucket_is_a_ten_thousandth() -> None:
    place = bucket("seed", "user")
    assert 0 <= place < 1
    assert round(place * 10000) == fnv1a32(str(fnv1a32("seeduser"))) % 10000


def test_a_unit_stays_with_its_version() -> None:
    split = Split("service/model", [0.5, 0.5])
    assert all(split.choose(f"user-{n}") == split.choose(f"user-{n}") for n in range(100))


@pytest.mark.parametrize("weights", [[0.5, 0.5], [9, 1], [1, 2, 1]])
@pytest.mark.parametrize("sticky", [True, False])
def test_shares_follow_the_weights(weights: list[float], sticky: bool) -> None:
    split, count = Split("service/model", weights), 20_000
    chosen = [split.choose(f"user-{n}" if sticky else None) for n in range(count)]
    for arm, weight in enumerate(weights):
        share = weight / sum(weights)
        assert abs(chosen.count(arm) - count * share) < 5 * (count * share * (1 - share)) ** 0.5


def test_a_version_without_weight_gets_nobody() -> None:
    split = Split("service/model", [0, 1, 0])
    assert {split.choose(f"user-{n}") for n in range(1000)} == {1}


def test_the_split_of_one_service_says_nothing_about_another() -> None:
    one, other = Split("one/model", [1, 1]), Split("other/model", [1, 1])
    both = sum(one.choose(f"user-{n}") == other.choose(f"user-{n}") for n in range(10_000))
    assert abs(both - 5000) < 5 * 50

"""Outcomes that clients post are taken as they are meant, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_modeldeploy.errors import InvalidInput, TooLarge
from jupyter_modeldeploy.experiments import spool
from jupyter_modeldeploy.serving.control.outcomes import MOST, rows_of

NOW = 1_800_000_000.0
MS = 1_800_000_000_000


def rows(*outcomes: Any) -> list[Any]:
    return rows_of({"outcomes": [*outcomes]}, NOW)


def test_an_outcome_is_of_a_unit_or_of_a_request() -> None:
    plain, of_request, before = rows(
        {"unit": "ann", "metric": "bought"},
        {"request_id": "r" * 200, "metric": "rating", "value": 4, "id": "i", "at": NOW - 9},
        {"unit": "u" * 200, "metric": "bought", "before": True, "at": "2027-01-15T09:00:00+01:00"},
    )
    assert plain == ["ann", None, "bought", 1.0, None, None, MS, 0]
    assert of_request == [None, "r" * 128, "rating", 4.0, "i", MS - 9000, MS, 0]
    assert before[0] == spool.unit_name("u" * 200)
    assert before[2:] == ["bought", 1.0, None, MS, MS, 1]
    assert rows() == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("ann", "is no object"),
        ({"metric": "m"}, "unit or a request_id"),
        ({"unit": "a", "request_id": "b", "metric": "m"}, "not both"),
        ({"unit": "", "metric": "m"}, "1 to 1024 characters"),
        ({"unit": 7, "metric": "m"}, "unit must be a text"),
        ({"unit": " \t ", "metric": "m"}, "unit must be what a header can hold"),
        ({"request_id": "a\nb", "metric": "m"}, "request_id must be what a header can hold"),
        ({"unit": "a"}, "metric must be a name, not None"),
        ({"unit": "a", "metric": "no name"}, "metric must be a name"),
        ({"unit": "a", "metric": "errors"}, "by itself"),
        ({"unit": "a", "metric": "m", "value": float("nan")}, "not nan"),
        ({"unit": "a", "metric": "m", "value": 1e300}, "from −1e15 to 1e15"),
        ({"unit": "a", "metric": "m", "value": True}, "not True"),
        ({"unit": "a", "metric": "m", "value": "7"}, "not '7'"),
        ({"unit": "a", "metric": "m", "at": "2026-11-22T10:00:00"}, "with its zone"),
        ({"unit": "a", "metric": "m", "at": "yesterday"}, "must be a time"),
        ({"unit": "a", "metric": "m", "at": NOW + 1e6}, "has come"),
        ({"unit": "a", "metric": "m", "at": float("inf")}, "must be a time"),
        ({"unit": "a", "metric": "m", "at": 10**5000}, "has come, not a very long number"),
        ({"unit": "a", "metric": "m", "value": 10**5000}, "from −1e15 to 1e15"),
        ({"unit": "a", "metric": "m", "before": 1}, "true or false"),
        ({"request_id": "a", "metric": "m", "before": True}, "of a unit"),
        ({"unit": "a", "metric": "m", "vaule": 1}, "no field 'vaule'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_taken(wrong: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=r"outcomes\[1\]: .*None was taken") as refused:
        rows({"unit": "ann", "metric": "m"}, wrong)
    assert reason in str(refused.value)


def test_a_request_is_a_list_of_a_bounded_length() -> None:
    for document in ({}, {"outcomes": {}}, {"outcomes": [], "more": 1}):
        with pytest.raises(InvalidInput, match="list outcomes"):
            rows_of(document, NOW)
    with pytest.raises(TooLarge, match="too many"):
        rows(*[{"unit": "a", "metric": "m"}] * (MOST + 1))

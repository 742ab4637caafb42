"""What a sweep may vary, how it is written, and what is said where it cannot be."""

from __future__ import annotations

import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.training.sweeps.space import MAX_TRIALS, Between, Range, Values, space_of, variable


def test_values_and_ranges_are_read_as_their_options_are_typed() -> None:
    space = space_of(
        {
            "learning_rate": "1e-5..1e-3:log",
            "batch_size": "16,32",
            "lora_rank": "4..16",
            "method": ["head", "lora"],
            "deterministic": "true, false",
            "weight_decay": [0, 0.1],
        },
        "bayesian",
    )
    assert space.dimensions == {
        "learning_rate": Between(1e-5, 1e-3, log=True, whole=False),
        "batch_size": Values((16, 32)),
        "lora_rank": Between(4, 16, log=False, whole=True),
        "method": Values(("head", "lora")),
        "deterministic": Values((True, False)),
        "weight_decay": Values((0.0, 0.1)),
    }
    assert space.size is None


def test_a_grid_is_every_combination_and_takes_ranges_with_a_number_of_points() -> None:
    space = space_of({"learning_rate": "1e-5..1e-3:log:3", "batch_size": [16, 32]}, "grid")
    assert space.size == 6
    assert space.grid()[:3] == [
        {"learning_rate": 1e-5, "batch_size": 16},
        {"learning_rate": 1e-5, "batch_size": 32},
        {"learning_rate": 1e-4, "batch_size": 16},
    ]
    whole = space_of({"lora_rank": Range(low=4, high=6, points=9)}, "grid")
    assert whole.dimensions["lora_rank"] == Values((4, 5, 6))


REFUSED = {
    "nothing": ({}, "Nothing varies"),
    "unknown": ({"learning_rat": "1,2"}, "no option 'learning_rat'"),
    "log_to": ({"log_to": "mlflow"}, "log_to cannot vary: it does not change"),
    "processes": ({"processes": "1,2"}, "processes cannot vary: it does not change"),
    "train_rows": ({"train_rows": "10,20"}, "train_rows cannot vary: the trials could not be compared"),
    "no values": ({"batch_size": ","}, "batch_size has no values"),
    "empty list": ({"batch_size": []}, "batch_size has no values"),
    "twice": ({"batch_size": "16,32,16"}, "batch_size names 16 twice"),
    "no number": ({"learning_rate": "a..b"}, "learning_rate=a..b is no range of numbers"),
    "not finite": ({"learning_rate": "1e-5..inf"}, "finite"),
    "unknown scale": ({"learning_rate": "1e-5..1e-3:exp"}, "is no range of numbers"),
    "low over high": ({"learning_rate": "1e-3..1e-5"}, "0.001 is not below 1e-05"),
    "low is high": ({"learning_rate": "1e-3..1e-3"}, "not below"),
    "log of zero": ({"weight_decay": "0..0.1:log"}, "a logarithmic range begins above 0"),
    "out of bounds": ({"learning_rate": "0..0.1"}, "greater than 0"),
    "no whole number": ({"batch_size": "1.5..8"}, "batch_size=1.5"),
    "a value that is none": ({"batch_size": "16,many"}, "batch_size=many"),
    "a method that is none": ({"method": "full,half"}, "method=half"),
    "a range of words": ({"method": "1..2"}, "method is no number"),
    "points": ({"learning_rate": "1e-5..1e-3:log:3"}, "only a grid takes a number of points"),
    "one point": ({"learning_rate": "1e-5..1e-3:1"}, "points"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_said_with_the_option_and_its_value(name: str) -> None:
    vary, message = REFUSED[name]
    with pytest.raises(InvalidInput, match=message):
        space_of(vary, "random")  # type: ignore[arg-type]


def test_a_grid_takes_no_bare_range_and_has_a_limit() -> None:
    with pytest.raises(InvalidInput, match="a grid needs values"):
        space_of({"learning_rate": "1e-5..1e-3:log"}, "grid")
    with pytest.raises(InvalidInput, match=f"at most {MAX_TRIALS} trials"):
        space_of({"seed": ",".join(map(str, range(30))), "lora_rank": ",".join(map(str, range(1, 31)))}, "grid")


def test_the_seed_may_vary_and_where_series_are_written_may_not() -> None:
    assert {"seed", "learning_rate", "method", "epochs", "augmentation"} <= set(variable())
    assert not {"log_to", "checkpoint_every", "validation_share", "sample_predictions"} & set(variable())

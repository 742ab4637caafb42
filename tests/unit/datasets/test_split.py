"""The split is fixed by the data, the shares and the seed alone."""

from __future__ import annotations

from collections import Counter

import pytest

from jupyter_modeldeploy.datasets.reader import Wanted
from jupyter_modeldeploy.datasets.split import Member, counted, rarest, sides
from jupyter_modeldeploy.errors import InvalidInput

MANY = [Member(f"key {number}", "yes" if number % 4 else "no") for number in range(100)]


def test_a_validation_share_is_of_all_and_leaves_the_test_set_as_it_is() -> None:
    alone, both = sides(MANY, Wanted()), sides(MANY, Wanted(validation_share=0.1))
    assert counted(both) == {"train": 69, "validation": 11, "test": 20}
    assert [side == "test" for side in alone] == [side == "test" for side in both]
    strata = Counter(member.stratum for member, side in zip(MANY, both, strict=True) if side == "validation")
    assert strata == {"yes": 8, "no": 3}


def test_sides_that_the_data_names_are_kept_and_only_a_missing_validation_set_is_drawn() -> None:
    named = [member._replace(named="test" if number < 30 else "train") for number, member in enumerate(MANY)]
    assert counted(sides(named, Wanted())) == {"train": 70, "test": 30}
    found = sides(named, Wanted(validation_share=0.1))
    assert counted(found) == {"train": 59, "validation": 11, "test": 30}
    assert set(found[:30]) == {"test"}


def test_what_is_held_out_twice_is_tested_and_never_learned() -> None:
    members = [Member("a", named="train"), Member("a", named="validation"), Member("a", named="test")]
    members += [Member("b", named="train"), Member("c", named="validation")]
    assert sides(members, Wanted()) == [None, None, "test", "train", "validation"]


def test_what_leaves_nothing_to_learn_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No examples are left to test"):
        sides([Member("a", "x"), Member("b", "y")], Wanted())


def test_an_example_of_several_classes_counts_to_the_rarest() -> None:
    counts = Counter({"common": 90, "rare": 2})
    assert rarest(["common", "rare"], counts) == "rare"
    assert rarest([], counts) == ""

"""Which examples are learned from and which are held out.

It depends on the data, the shares and the seed alone: a SHA-256 of the seed and of what equal examples share orders
them, so it is the same on every machine and Python version, and in whatever order the examples stand."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from jupyter_modeldeploy.datasets.reader import Split, Wanted
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset, SplitName

NAMES: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout", "held-out"), "test"),
}
SIDES: tuple[SplitName, ...] = ("train", "validation", "test")
E = TypeVar("E")


class Member(NamedTuple):
    """An example as the split sees it: equal examples share `key`; each class, a `stratum`, gives its share; `named` is
    the side that the data says, or None where it says nothing."""

    key: str
    stratum: str = ""
    named: SplitName | None = None


def sides(members: Sequence[Member], rules: Dataset | Wanted) -> list[SplitName | None]:
    """The side of each example; None for one that repeats, on a side that learns, what another side holds.

    Equal examples are never on two sides. Where the data names sides, they are kept to: test before validation before
    train; a validation set without a test set is the test set. A validation share is taken from what is left to train.
    Raises InvalidInput where nothing would be left to train or to test."""
    if members and members[0].named is not None:
        found = _named(members)
    else:
        drawn = _drawn(members, rules.seed, rules.test_share)
        found = ["test" if member.key in drawn else "train" for member in members]
    if rules.validation_share and "validation" not in found:
        left = [member for member, side in zip(members, found, strict=True) if side == "train"]
        given = Counter(member.stratum for member in members)
        drawn = _drawn(left, rules.seed, rules.validation_share, given)
        found = [
            "validation" if side == "train" and member.key in drawn else side
            for member, side in zip(members, found, strict=True)
        ]
    for side in ("train", "test"):
        if side not in found:
            raise InvalidInput(
                f"No examples are left to {side}.", "Add examples of each class, or change the share held out."
            )
    return found


def divide(examples: Sequence[E], found: Sequence[SplitName | None]) -> Split[E]:
    """The examples by the sides that `sides` found."""
    by_side: dict[SplitName, list[E]] = {side: [] for side in SIDES}
    for example, side in zip(examples, found, strict=True):
        if side is not None:
            by_side[side].append(example)
    return Split(**by_side)


def counted(found: Iterable[SplitName | None]) -> dict[SplitName, int]:
    """How many examples each side has."""
    counts = Counter(found)
    return {side: counts[side] for side in SIDES if counts[side]}


def text_key(text: str) -> str:
    """What texts share that are equal but for case and spacing."""
    return " ".join(text.casefold().split())


def rarest(labels: Iterable[str], counts: Counter[str]) -> str:
    """The stratum of an example with many labels: the one that the fewest examples have, so that each is held out."""
    return min(set(labels), key=lambda label: (counts[label], label), default="")


def side_named(word: str, place: str) -> SplitName:
    """The side that the word means. Raises InvalidInput that names the place."""
    if word.strip().lower() not in NAMES:
        raise InvalidInput(f"{place}: the split is {word!r}.", "Write train, validation or test.")
    return NAMES[word.strip().lower()]


def check_named(present: Iterable[SplitName], where: str) -> None:
    """Raise InvalidInput unless the named sides are enough to learn and to judge."""
    has = set(present)
    if "train" not in has or len(has) < 2:
        raise InvalidInput(f"{where} holds only {', '.join(sorted(has))}.", "It needs both sides.")


def _named(members: Sequence[Member]) -> list[SplitName | None]:
    present = {member.named for member in members}
    wished: list[SplitName] = [
        "test" if member.named == "validation" and "test" not in present else member.named or "train"
        for member in members
    ]
    held: dict[str, set[str]] = {
        side: {member.key for member, each in zip(members, wished, strict=True) if each == side}
        for side in ("test", "validation")
    }
    return [
        None
        if (side != "test" and member.key in held["test"]) or (side == "train" and member.key in held["validation"])
        else side
        for member, side in zip(members, wished, strict=True)
    ]


def _drawn(members: Sequence[Member], seed: int, share: float, given: Counter[str] | None = None) -> set[str]:
    """The keys held out: a share of each stratum, in whole groups of equal examples, in the order of their hashes.

    A group counts to the stratum of its first example. Each stratum keeps one group at least on either side, if it has
    two. `given` counts the examples of a stratum that the share is of, where these are not all of them."""
    groups = Counter(member.key for member in members)
    by_stratum: dict[str, list[str]] = defaultdict(list)
    for key, stratum in {member.key: member.stratum for member in reversed(members)}.items():
        by_stratum[stratum].append(key)
    held_out: set[str] = set()
    for stratum, keys in by_stratum.items():
        keys.sort(key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
        wanted = share * (given[stratum] if given else sum(groups[key] for key in keys))
        taken = 0
        for number, key in enumerate(keys[:-1]):
            if number and taken + groups[key] / 2 > wanted:
                break
            held_out.add(key)
            taken += groups[key]
    return held_out

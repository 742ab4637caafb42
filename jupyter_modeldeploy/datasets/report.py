"""What is told of checked data: counts, spreads, and what somebody should look at before training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jupyter_modeldeploy.datasets.split import SIDES
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import DataExample, DataReport, Distribution, SplitName

MAX_CLASSES = 1000
SMALL_CLASS = 10
IMBALANCE = 10
LONG_TEXT = 2000
SHOWN_TEXT = 200
SHOWN_EXAMPLES = 6


class Seen(NamedTuple):
    """A checked example as the report sees it; `key` is shared by equal ones."""

    place: str
    key: str
    labels: tuple[str, ...]
    text: str = ""


def report(
    seen: Sequence[Seen],
    found: Sequence[SplitName | None],
    distributions: Sequence[Distribution],
    warnings: Sequence[str] = (),
) -> DataReport:
    """The report on examples and their sides; `warnings` are added to those that any data may give."""
    classes: dict[SplitName, dict[str, int]] = {}
    for side in SIDES:
        counts = Counter(label for each, at in zip(seen, found, strict=True) if at == side for label in each.labels)
        if side in found and any(each.labels for each in seen):
            classes[side] = dict(sorted(counts.items()))
    duplicates = len(seen) - len({each.key for each in seen})
    return DataReport(
        classes=classes,
        duplicates=duplicates,
        distributions=list(distributions),
        warnings=[*_about_equal(seen, found, duplicates), *_about_classes(classes), *warnings],
        examples=_examples(seen, found),
    )


def distribution(of: str, unit: str, values: Iterable[float]) -> Distribution:
    """How the values, of which there is one at least, are spread: the nearest of them at each share."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[round(share * (len(ordered) - 1))]

    return Distribution(of=of, unit=unit, minimum=at(0), median=at(0.5), p95=at(0.95), maximum=at(1))


def check_classes(counts: Counter[str], rows: int, name: str, hint: str) -> None:
    """Raise InvalidInput for a single class, or for so many that they are none."""
    if len(counts) < 2:
        only = next(iter(counts), None)
        raise InvalidInput(f"All {rows} {name} are of one class, {only!r}.", "A classifier needs two or more.")
    if len(counts) > MAX_CLASSES or (rows > 20 and len(counts) > rows / 2):
        raise InvalidInput(f"There are {len(counts)} different values in {rows} {name}: these are no classes.", hint)


def about_lengths(lengths: Sequence[int]) -> list[str]:
    """A warning where texts are longer than most models read."""
    long = sum(length > LONG_TEXT for length in lengths)
    return (
        [f"Texts of more than {LONG_TEXT:,} characters, of which most models read the beginning: {long:,}."]
        if long
        else []
    )


def _about_equal(seen: Sequence[Seen], found: Sequence[SplitName | None], duplicates: int) -> list[str]:
    warnings = []
    if duplicates:
        warnings.append(f"Examples that repeat an earlier one, and are kept on one side with it: {duplicates:,}.")
    if left_out := [each.place for each, side in zip(seen, found, strict=True) if side is None]:
        warnings.append(f"Left out of training, since they are held out too: {len(left_out):,}, first {left_out[0]}.")
    by_key: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for each in seen:
        by_key[each.key].add(each.labels)
    if torn := {key for key, labels in by_key.items() if len(labels) > 1}:
        first = next(each.place for each in seen if each.key in torn)
        warnings.append(f"Equal examples with different labels: {len(torn):,}, first {first}.")
    return warnings


def _about_classes(classes: dict[SplitName, dict[str, int]]) -> list[str]:
    train = classes.get("train", {})
    warnings = []
    if train and max(train.values()) > IMBALANCE * min(train.values()):
        most, least = max(train, key=train.__getitem__), min(train, key=train.__getitem__)
        warnings.append(f"{most!r} is learned from {train[most]:,} times, {least!r} {train[least]:,} times.")
    if small := [name for name, count in train.items() if count < SMALL_CLASS]:
        warnings.append(f"Fewer than {SMALL_CLASS} to learn from: {_listed(small)}.")
    everywhere = {name for counts in classes.values() for name in counts}
    if unseen := sorted(everywhere - set(train)):
        warnings.append(f"Held out but never learned: {_listed(unseen)}.")
    if unjudged := sorted(everywhere - set(classes.get("test", {}))):
        warnings.append(f"Learned but never judged: {_listed(unjudged)}.")
    return warnings


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _examples(seen: Sequence[Seen], found: Sequence[SplitName | None]) -> list[DataExample]:
    """The first of each class, then more, of what is learned from."""
    shown: list[DataExample] = []
    known: set[tuple[str, ...]] = set()
    for new in (True, False):
        for each, side in zip(seen, found, strict=True):
            if len(shown) == SHOWN_EXAMPLES:
                return shown
            if side == "train" and (each.labels not in known) == new and all(each.place != one.place for one in shown):
                known.add(each.labels)
                text = each.text if len(each.text) <= SHOWN_TEXT else f"{each.text[: SHOWN_TEXT - 1]}…"
                shown.append(DataExample(split=side, place=each.place, text=text, labels=list(each.labels)[:20]))
    return shown

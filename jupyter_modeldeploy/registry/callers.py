"""What callers meet when one version takes another's place, and what of it breaks them."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_modeldeploy.records import Signature, TensorSpec, Version
from jupyter_modeldeploy.records.version_diffs import CallerChange

OF_WORDS = frozenset({"text-classification", "token-classification", "image-classification", "object-detection"})
OF_WORDS |= {"feature-extraction", "text-generation"}
"""Tasks whose callers send texts and images: the tensors behind them are nobody's but the V2 protocol's."""
SHOWN_CLASSES = 5


def changes(before: Version, after: Version) -> list[CallerChange]:
    """Each change that a caller can meet, the breaking ones first."""
    found = [*_task(before, after), *_classes(before, after), *_tensors(before, after)]
    return sorted(found, key=lambda change: not change.breaking)


def _task(before: Version, after: Version) -> Iterator[CallerChange]:
    if before.task != after.task:
        note = f"the task is {after.task} and no more {before.task}, so requests and answers are others"
        yield CallerChange(part="task", name=after.task, breaking=True, callers="all", note=note)


def _classes(before: Version, after: Version) -> Iterator[CallerChange]:
    """Labels are read by name from `/predict` and by their places from scores."""
    old, new = before.classes or [], after.classes or []
    if old == new or not old or not new:
        return
    removed, added = [one for one in old if one not in new], [one for one in new if one not in old]
    if added:
        note = f"callers may be answered with {_listed(added)}, which they do not know"
        yield CallerChange(part="classes", name=_listed(added), breaking=True, callers="all", note=note)
    if removed:
        note = f"nothing is answered with {_listed(removed)} any more"
        yield CallerChange(part="classes", name=_listed(removed), breaking=False, callers="all", note=note)
    if old != new[: len(old)]:
        note = "scores stand in another order, so whoever reads them by their place reads another class"
        yield CallerChange(part="classes", name="order", breaking=True, callers="tensors", note=note)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_CLASSES} more" if len(names) > SHOWN_CLASSES else ""
    return ", ".join(names[:SHOWN_CLASSES]) + more


def _tensors(before: Version, after: Version) -> Iterator[CallerChange]:
    if before.signature is None or after.signature is None:
        return
    of_words = before.task in OF_WORDS and after.task in OF_WORDS
    for change in (*_inputs(before.signature, after.signature), *_outputs(before.signature, after.signature)):
        yield change.model_copy(update={"callers": "tensors"}) if of_words else change


def _inputs(before: Signature, after: Signature) -> Iterator[CallerChange]:
    old, new = _named(before.inputs), _named(after.inputs)
    for name in sorted(old.keys() - new.keys()):
        yield _input(name, True, f"the input {name} is not taken any more")
    for name in sorted(new.keys() - old.keys()):
        if new[name].optional:
            yield _input(name, False, f"the input {name} is new and may be left out")
        else:
            yield _input(name, True, f"the input {name} is new and must be given")
    for name in sorted(old.keys() & new.keys()):
        was, now = old[name], new[name]
        if was.optional and not now.optional:
            yield _input(name, True, f"the input {name} must be given now")
        if was.dtype != now.dtype:
            yield _input(name, True, f"the input {name} is {now.dtype} and no more {was.dtype}")
        if was.shape != now.shape and _within(was.shape, now.shape):
            yield _input(name, False, f"the input {name} may be {_shape(now)} now, which it was not: {_shape(was)}")
        elif was.shape != now.shape:
            yield _input(name, True, f"the input {name} must be {_shape(now)} now, it was {_shape(was)}")


def _outputs(before: Signature, after: Signature) -> Iterator[CallerChange]:
    old, new = _named(before.outputs), _named(after.outputs)
    for name in sorted(old.keys() - new.keys()):
        yield _output(name, True, f"the output {name} is not given any more")
    for name in sorted(new.keys() - old.keys()):
        yield _output(name, False, f"the output {name} is new")
    for name in sorted(old.keys() & new.keys()):
        was, now = old[name], new[name]
        if was.dtype != now.dtype:
            yield _output(name, True, f"the output {name} is {now.dtype} and no more {was.dtype}")
        if was.shape != now.shape and _within(now.shape, was.shape):
            yield _output(name, False, f"the output {name} is always {_shape(now)} now, it was {_shape(was)}")
        elif was.shape != now.shape:
            yield _output(name, True, f"the output {name} may be {_shape(now)} now, where callers expect {_shape(was)}")


def _input(name: str, breaking: bool, note: str) -> CallerChange:
    return CallerChange(part="input", name=name, breaking=breaking, callers="all", note=note)


def _output(name: str, breaking: bool, note: str) -> CallerChange:
    return CallerChange(part="output", name=name, breaking=breaking, callers="all", note=note)


def _named(specs: list[TensorSpec]) -> dict[str, TensorSpec]:
    return {spec.name: spec for spec in specs}


def _within(inner: list[int], outer: list[int]) -> bool:
    """Whether every tensor of the shape `inner` is one of the shape `outer`; -1 is any length."""
    return len(inner) == len(outer) and all(wide in (-1, length) for length, wide in zip(inner, outer, strict=True))


def _shape(spec: TensorSpec) -> str:
    return f"[{', '.join('any' if length < 0 else str(length) for length in spec.shape)}]"

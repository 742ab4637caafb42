"""Two versions beside each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jupyter_modeldeploy.records import Version
from jupyter_modeldeploy.records.version_diffs import FactChange, FileChange, MetricDifference, VersionDiff
from jupyter_modeldeploy.registry import callers
from jupyter_modeldeploy.registry.evidence import LOWER_IS_BETTER, Evidence, Figure, Pair
from jupyter_modeldeploy.store import Store

LONGEST_VALUE = 200


def diff(store: Store, before: Version, after: Version) -> VersionDiff:
    """What changes from `before` to `after`, which need not be of one model. Nothing of either is loaded."""
    old, new = ({file.path: file for file in version.files} for version in (before, after))
    return VersionDiff(
        before=before.ref,
        after=after.ref,
        relation=_relation(store, before, after),
        files=[*_files(before, after)],
        unchanged_files=sum(path in new and new[path].sha256 == file.sha256 for path, file in old.items()),
        size_before=before.size_bytes,
        size_after=after.size_bytes,
        metrics=[*_metrics(store, before, after)],
        callers=callers.changes(before, after),
        facts=[*_facts(before, after)],
    )


def _files(before: Version, after: Version) -> Iterator[FileChange]:
    old, new = ({file.path: file for file in version.files} for version in (before, after))
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        if was is None and now is not None:
            yield FileChange(path=path, change="added", before=None, after=now.size)
        elif now is None and was is not None:
            yield FileChange(path=path, change="removed", before=was.size, after=None)
        elif was is not None and now is not None and was.sha256 != now.sha256:
            yield FileChange(path=path, change="changed", before=was.size, after=now.size)


def _metrics(store: Store, before: Version, after: Version) -> Iterator[MetricDifference]:
    evidence = Evidence(store)
    pairs = {pair.metric: pair for pair in evidence.pairs(before, after)}
    yield from (_paired(pair) for pair in pairs.values())
    old, new = evidence.figures(before), evidence.figures(after)
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in pairs:
            yield _single(name, old.get(name), new.get(name))


def _paired(pair: Pair) -> MetricDifference:
    interval = pair.difference
    return MetricDifference(
        name=pair.metric,
        before=pair.base,
        after=pair.candidate,
        difference=pair.candidate - pair.base,
        interval=interval,
        better=None if interval is None else _better(pair.metric, interval.low, interval.high),
        note=f"both on the held-out rows of {pair.dataset}",
    )


def _better(metric: str, low: float, high: float) -> bool | None:
    """Whether the whole interval lies on one side of 0, and on which."""
    if low <= 0 <= high:
        return None
    return (high < 0) if metric in LOWER_IS_BETTER else (low > 0)


def _single(name: str, before: Figure | None, after: Figure | None) -> MetricDifference:
    if before is None or after is None:
        only = before or after
        on = f"only of one of them, on {only.dataset}" if only and only.dataset else "only of one of them"
        return MetricDifference(name=name, before=before and before.value, after=after and after.value, note=on)
    if before.dataset != after.dataset:
        note = f"not comparable: on {before.dataset or 'nothing known'} and on {after.dataset or 'nothing known'}"
        return MetricDifference(name=name, before=before.value, after=after.value, note=note)
    note = "no interval: evaluate the two against each other"
    return MetricDifference(
        name=name, before=before.value, after=after.value, difference=after.value - before.value, note=note
    )


def _facts(before: Version, after: Version) -> Iterator[FactChange]:
    old, new = _told(before), _told(after)
    for name in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(name, ""), new.get(name, "")
        if was != now:
            yield FactChange(name=name, before=was, after=now)
    was_set, now_set = before.lineage.parameters, after.lineage.parameters
    for name in sorted(was_set.keys() | now_set.keys()):
        if was_set.get(name) != now_set.get(name):
            pair = (_written(parameters, name) for parameters in (was_set, now_set))
            yield FactChange(name=name, before=next(pair), after=next(pair), setting=True)


def _told(version: Version) -> dict[str, str]:
    """What is known of a version, by the words that views have for it."""
    facts, lineage = version.facts, version.lineage
    told: dict[str, Any] = {
        "task": version.task,
        "format": version.format,
        "step": lineage.step,
        "parent": lineage.parent,
        "source": lineage.source,
        "dataset": lineage.dataset,
        "framework": facts and facts.framework,
        "architecture": facts and facts.architecture,
        "parameters": f"{facts.parameters:,}" if facts and facts.parameters else None,
        "dtype": facts and facts.dtype,
        "license": facts and facts.license,
    }
    return {name: str(value) for name, value in told.items() if value}


def _written(parameters: dict[str, Any], name: str) -> str:
    if name not in parameters:
        return ""
    value = parameters[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _relation(store: Store, before: Version, after: Version) -> str:
    old, new = _line(store, before), _line(store, after)
    if before.ref in new:
        return f"{after.ref} was made from {before.ref} in {_steps(new.index(before.ref))}."
    if after.ref in old:
        return f"{before.ref} was made from {after.ref} in {_steps(old.index(after.ref))}."
    shared = next((ref for ref in old if ref in new), None)
    return f"Both come from {shared}." if shared else ""


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count > 1)}"


def _line(store: Store, version: Version) -> list[str]:
    """The version and what it was made from, the nearest first."""
    known = {one.ref: one for one in store.versions.list()}
    line = [version.ref]
    while (parent := known[line[-1]].lineage.parent if line[-1] in known else None) and parent not in line:
        line.append(parent)
    return line

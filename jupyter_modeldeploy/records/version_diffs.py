"""How two versions differ: files, figures, what callers meet, and how each was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record


class FileChange(Record):
    """A file that only one of the versions has, or that differs. Sizes are bytes, None where it is not there."""

    path: str
    change: Literal["added", "removed", "changed"]
    before: int | None
    after: int | None


class MetricDifference(Record):
    """A metric of both versions, `difference` = after − before. Where they were evaluated against each other,
    `interval` is of the difference on the same rows; else `note` says why the two figures may not be comparable."""

    name: str
    before: float | None
    after: float | None
    difference: float | None = None
    interval: Interval | None = None
    better: bool | None = Field(default=None, description="None where nothing certain can be said")
    note: str = ""


class CallerChange(Record):
    """Something that callers meet. `breaking` changes can make a request or the reading of its answer fail.
    `callers` are those who send tensors (V2), or all, also those who send texts, images and the like."""

    part: Literal["task", "input", "output", "classes"]
    name: str
    breaking: bool
    callers: Literal["tensors", "all"]
    note: str


class FactChange(Record):
    """A fact of the versions or of how they were made, `setting` where it is a parameter of that step."""

    name: str
    before: str
    after: str
    setting: bool = False


class VersionDiff(Record):
    """What changes from the version `before` to the version `after`."""

    before: str
    after: str
    relation: str = Field(description="how the one comes from the other, where it does")
    files: list[FileChange] = Field(default_factory=list)
    unchanged_files: int = 0
    size_before: int
    size_after: int
    metrics: list[MetricDifference] = Field(default_factory=list)
    callers: list[CallerChange] = Field(default_factory=list)
    facts: list[FactChange] = Field(default_factory=list)

    @property
    def compatible(self) -> bool:
        """Whether every request that the one answers is answered by the other in the same form."""
        return not any(change.breaking for change in self.callers)

    def _repr_markdown_(self) -> str:
        """A notebook's view of it."""
        parts = [f"**{self.before} → {self.after}**", self.relation, self._metrics(), self._callers(), self._facts()]
        return "\n\n".join(part for part in [*parts, self._files()] if part)

    def _metrics(self) -> str:
        rows = [
            (
                each.name,
                _figure(each.before),
                _figure(each.after),
                "" if each.difference is None else f"{each.difference:+.4g}",
                f"{each.interval.low:+.4g} to {each.interval.high:+.4g}" if each.interval else each.note,
            )
            for each in self.metrics
        ]
        return _table(("Metric", self.before, self.after, "Difference", ""), rows)

    def _callers(self) -> str:
        if not self.callers:
            return "Callers notice nothing."
        return "\n".join(f"- {'**breaking**: ' if one.breaking else ''}{one.note}" for one in self.callers)

    def _facts(self) -> str:
        return _table(("", self.before, self.after), [(one.name, one.before, one.after) for one in self.facts])

    def _files(self) -> str:
        rows = [(one.path, one.change, _bytes(one.before), _bytes(one.after)) for one in self.files]
        return _table(("File", "", "Bytes before", "Bytes after"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _bytes(count: int | None) -> str:
    return "" if count is None else f"{count:,}"

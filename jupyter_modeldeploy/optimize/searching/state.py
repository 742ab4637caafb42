"""What a search knows so far, and the time that it has left. All that it finds passes through here and is kept at once,
so that a search that is killed goes on from there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import TimedOut
from jupyter_modeldeploy.optimize.searching.bench import Form
from jupyter_modeldeploy.optimize.searching.deadline import Deadline
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records.optimizations import Candidate, Optimization, Verdict

log = logging.getLogger(__name__)
LEFT_OVER_S = 1.0


@dataclass
class State:
    """`found` is kept by `keep` whenever it grows; `forms` are the files of the candidates that were made."""

    found: Optimization
    folder: Path
    keep: Callable[[Optimization], None]
    reporter: Reporter
    deadline: Deadline
    forms: dict[str, Form] = field(default_factory=dict)
    reserved_s: float = 0.0
    percent: float = 0.0
    _told: str = ""

    def take_up(self) -> None:
        """The candidates that an earlier attempt made."""
        for one in self.found.candidates[1:]:
            folder = self.version_folder(one.name)
            if one.size_bytes is not None and folder.exists():
                self.forms[one.name] = Form(folder, one.format, one.size_bytes)

    def version_folder(self, name: str) -> Path:
        return self.folder / "candidates" / name

    def get(self, name: str) -> Candidate:
        found = self.found.candidate(name)
        assert found is not None  # all names come from there
        return found

    def open(self) -> list[Candidate]:
        """The candidates that are still in it, without the original."""
        return [one for one in self.found.candidates[1:] if one.verdict == "open" and one.name in self.forms]

    def add(self, one: Candidate) -> None:
        """Unless it is known."""
        if self.found.candidate(one.name) is None:
            self.update(candidates=[*self.found.candidates, one])

    def change(self, name: str, **update: Any) -> None:
        self.update(
            candidates=[one.model_copy(update=update) if one.name == name else one for one in self.found.candidates]
        )

    def rule_out(self, name: str, verdict: Verdict, reason: str) -> None:
        log.info("%s: %s. %s", name, verdict, reason)
        self.change(name, verdict=verdict, reason=reason)

    def note(self, note: str) -> None:
        if note not in self.found.notes:
            self.update(notes=[*self.found.notes, note])

    def update(self, **update: Any) -> None:
        self.found = self.found.model_copy(update={**update, "seconds": self.deadline.spent_s})
        self.keep(self.found)

    def tell(self, percent: float, message: str) -> None:
        """How far it is, of 100 %. It never goes back."""
        if message != self._told:
            log.info("%s", message)
        self._told = message
        self.percent = max(self.percent, percent)
        self.reporter.progress(round(self.percent, 1), 100, "%", message)

    @property
    def run_s(self) -> float:
        """What a row takes the original."""
        timings = self.found.original.timings
        return min((one.p50_ms.median / one.layout.batch for one in timings), default=10.0) / 1000

    def left_s(self) -> float:
        """For this phase of the search."""
        return self.deadline.left_s - self.reserved_s

    def timeout_s(self) -> float:
        """For what must not take longer than there is time. Raises TimedOut when there is none left."""
        left = self.left_s()
        if left <= 0:
            raise TimedOut("There is no time left.")
        return left + LEFT_OVER_S

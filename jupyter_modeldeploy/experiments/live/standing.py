"""Where a live experiment stands, in a file that survives whoever works on it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.experiments.live.ramp import Place
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.records import Arm, Decision
from jupyter_modeldeploy.records.base import Record

FILE = "standing.json"
Outcome = Literal["running", "paused", "rolled back", "promoted", "ended", "stopped"]


class Standing(Record):
    """`before` are the arms and `recording` what was recorded when the experiment came, `arms` those that it wants now.
    `stage` is the service's revision since which the traffic is split for it, 0 before. `since`, `ends` and `paused_at`
    are seconds since the epoch. `paused_by` says what has to change for it to go on."""

    before: list[Arm]
    arms: list[Arm]
    recording: dict[str, object]
    stage: int = 0
    step: int = 0
    since: float
    ends: float
    paused_at: float | None = None
    paused_by: Literal["person", "guardrail", "split", "service", "alias"] | None = None
    waived: list[str] = Field(default_factory=list)
    decisions: list[Decision] = Field(default_factory=list)
    outcome: Outcome = "running"

    @property
    def is_over(self) -> bool:
        return self.outcome not in ("running", "paused")

    @property
    def place(self) -> Place:
        return Place(self.step, self.since, self.ends, self.paused_at is not None, frozenset(self.waived))


class Journal:
    """The standing, and the next one from the moment it was decided until the traffic is as it says.

    Whoever finds a `next` makes the traffic so and calls `settle`: a decision is neither lost nor made twice, whenever
    the one who made it is killed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        written = read_json(self._path)
        self.now = Standing.model_validate(written["now"]) if written.get("now") else None
        self.next = Standing.model_validate(written["next"]) if written.get("next") else None

    def decide(self, following: Standing) -> None:
        """Write down what is about to be done. Raises OSError, having changed nothing."""
        self._write(self.now, following)

    def settle(self, stage: int = 0) -> Standing:
        """What was decided is done; of the beginning, in `stage`."""
        assert self.next is not None
        done = self.next if self.next.stage else self.next.model_copy(update={"stage": stage})
        self._write(done, None)
        return done

    def forget(self) -> None:
        """Nothing was done, and nothing is about to be."""
        self._path.unlink(missing_ok=True)
        self.now = self.next = None

    def _write(self, now: Standing | None, following: Standing | None) -> None:
        document = {
            "now": now and now.model_dump(mode="json"),
            "next": following and following.model_dump(mode="json"),
        }
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)
        self.now, self.next = now, following

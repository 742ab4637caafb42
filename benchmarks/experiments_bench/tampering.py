"""Traffic that is made up: bots, units chosen for the version that they get, outcomes sent again. Each goes through the
assignment, the records and the counting that a service uses, and must set off the check of the split, or be left out
and told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from experiments_bench.simulated import BASE, CANDIDATE
from jupyter_modeldeploy.assignment import PLACES, places
from jupyter_modeldeploy.experiments.collecting import Collector
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.spool import FOLDER, Spool
from jupyter_modeldeploy.experiments.verdicts import SPLIT_ALARM, judge, split_p_value
from jupyter_modeldeploy.records import Metric, Suspicion

USERS, SHARE = 20_000, 0.2
SEED = "m"
BOUGHT = Metric(name="bought", kind="proportion", of="bought", unit="proportion")
NOON = 1_700_000_000_000


@dataclass
class Traffic:
    """Rows as a service records them: each unit gets the version that the public hash gives it."""

    random: np.random.Generator
    exposures: list[list[Any]] = field(default_factory=list)
    outcomes: list[list[Any]] = field(default_factory=list)

    def ask(self, unit: str, requests: int = 1) -> int:
        """The unit's version: 0 is the base."""
        version = arm(unit)
        at = NOON + 1000 * len(self.exposures)
        rows = [[version, unit, None, at, 2000, 0, None] for _ in range(requests)]
        self.exposures.extend(rows)
        return version

    def buy(self, unit: str, name: str | None = None) -> None:
        at = NOON + 1000 * len(self.exposures)
        self.outcomes.append([unit, None, "bought", 1.0, name, at, at, 0])

    def users(self, count: int = USERS) -> None:
        """People who buy one time in ten, whatever they got."""
        for number in range(count):
            self.ask(f"user-{number}", 1 + int(self.random.poisson(2)))
            if self.random.random() < 0.1:
                self.buy(f"user-{number}", f"order-{number}")


_place = places(SEED)


def arm(unit: str) -> int:
    """0 for the base, 1 for the candidate, whose places are the last ones."""
    return int(_place(unit.encode()) >= (1 - SHARE) * PLACES)


def run() -> dict[str, Any]:
    """Whether each kind of tampering is found, and whether honest traffic passes."""
    found = {"honest": _honest(), "bots": _bots(), "crafted": _crafted(), "replayed": _replayed()}
    for name, told in found.items():
        print(f"{name:12}{'as it should be' if told['held'] else 'NOT FOUND':18}{told['said']}", flush=True)
    return {"tampering_missed": sum(not told["held"] for told in found.values()), "tampering": found}


def _honest() -> dict[str, Any]:
    traffic = Traffic(np.random.default_rng(1))
    traffic.users()
    with _counted(traffic) as (observed, suspicions):
        p_value = split_p_value(observed, BASE, CANDIDATE)
        return {"held": p_value >= SPLIT_ALARM and not suspicions, "said": f"split p = {p_value:.3f}, no suspicions"}


def _bots() -> dict[str, Any]:
    """Ten of them, each with as many requests as five hundred people. They count as one unit each, and are told."""
    traffic = Traffic(np.random.default_rng(2))
    traffic.users()
    for number in range(10):
        traffic.ask(f"bot-{number}", 1500)
        traffic.buy(f"bot-{number}")
    with _counted(traffic) as (observed, suspicions):
        busiest = {one.kind: one.count for one in suspicions}.get("busiest", 0)
        verdict = judge(observed, BASE, CANDIDATE, [BOUGHT], details=False)[0].verdict
        return {
            "held": busiest == 10 and verdict == "undecided",
            "said": f"{busiest} of 10 told, verdict {verdict}",
        }


def _crafted() -> dict[str, Any]:
    """Someone computes the hash, and comes as 300 units that it gives the candidate, who all buy."""
    traffic = Traffic(np.random.default_rng(3))
    traffic.users()
    names = (f"made-up-{number}" for number in range(10**6))
    chosen = [name for name, _ in zip((name for name in names if arm(name)), range(300), strict=False)]
    for name in chosen:
        traffic.ask(name)
        traffic.buy(name)
    with _counted(traffic) as (observed, _):
        p_value = split_p_value(observed, BASE, CANDIDATE)
        return {
            "held": p_value < SPLIT_ALARM,
            "said": f"{len(chosen)} of {USERS:,} units more: split p = {p_value:.1e}",
        }


def _replayed() -> dict[str, Any]:
    """The candidate's orders are sent again, ten times each: the figures stay what they were."""
    honest, replayed = (Traffic(np.random.default_rng(4)) for _ in range(2))
    for traffic in (honest, replayed):
        traffic.users()
    again = [row for row in replayed.outcomes if arm(row[0])]
    replayed.outcomes.extend(again * 10)
    with _counted(honest) as (before, _), _counted(replayed) as (after, suspicions):
        told = {one.kind: one.count for one in suspicions}.get("duplicate", 0)
        same = [_sum(one) for one in before] == [_sum(one) for one in after]
        return {"held": same and told == 10 * len(again), "said": f"{told:,} duplicates told, sums unchanged: {same}"}


def _sum(one: Observed) -> float:
    return float(one.sums["bought"].sum())


@contextmanager
def _counted(traffic: Traffic) -> Iterator[tuple[Sequence[Observed], list[Suspicion]]]:
    """What the collector makes of the rows."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / FOLDER)
        lines = [orjson.dumps({"exposures": traffic.exposures}), orjson.dumps({"outcomes": traffic.outcomes})]
        arms = [(0, BASE, 1 - SHARE), (0, CANDIDATE, SHARE)]
        spool.write(arms, [], lines, len(traffic.exposures) + len(traffic.outcomes), 0)
        collector = Collector(spool.folder, Path(folder) / "kept.sqlite")
        collector.fold()
        try:
            yield collector.observed(BASE, CANDIDATE, [BOUGHT]), collector.suspicions(BASE, CANDIDATE, [BOUGHT])
        finally:
            collector.close()
